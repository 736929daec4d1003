"""What the test sets' sizes let anyone say, and what of the first report's finding they do not."""

from collections.abc import Mapping
from typing import Any

from attune.report import html

Numbers = Mapping[str, Any]


def about(power: Numbers) -> str:
    """The paragraphs as HTML; power: as `evaluation.ranking.power.power_of` has it."""
    return f"<p>{_resolution(power)}</p><p>{first_report(power)}</p>{_own(power)}"


def _resolution(power: Numbers) -> str:
    """How far apart two recipes must be, for the pair of the first report's finding."""
    before, after = (power["outperform"][0][end] for end in ("before", "after"))
    contexts = [each for each in power["needed"] if (each["before"], each["after"]) == (before, after)]
    numbers = ", ".join(f"{each['contexts']} to see {each['difference']:g}" for each in contexts)
    return (
        f"A difference in MRR between {after} and {before} is seen (its 95 % interval excludes 0) in 80 % of test sets "
        f"only if they have enough contexts: {numbers}."
    )


def first_report(power: Numbers) -> str:
    """What the first report's "only half of the fine-tuned models outperformed the baseline in MRR" says, and does not.

    Simulated: each model is tested on its own contexts, drawn from ours.
    """
    rows = power["outperform"]
    on_few, on_many = (_by_difference(rows, size) for size in sorted({row["contexts"] for row in rows}))
    small, models = min(set(on_few) - {0.0}), rows[0]["models"]
    large = max(on_few)

    fewer, more = (each[0.0]["contexts"] for each in (on_few, on_many))
    nothing, half_few, half_many = (_half(each) for each in (on_few[0.0], on_few[small], on_many[small]))
    return (
        "The first report found that only half of the fine-tuned models outperformed the baseline in MRR, with test "
        f"sets of {fewer} and {more} contexts. Simulated for {models} models, each with its own contexts drawn from "
        f"ours: if fine-tuning changed nothing, at most half of them come out ahead in {nothing} of experiments with "
        f"{fewer} contexts; if it made every one better by {small:g}, still in {half_few}, and in {half_many} with "
        f"{more}. So the finding cannot distinguish an improvement of {small:g} from none. It does speak against one "
        f"of {large:g}, with which it happens in {_half(on_few[large])} and {_half(on_many[large])}. Which models are "
        f"better is harder to say: of those better by {small:g}, {_seen(on_few[small])} are seen to be (their interval "
        f"is above 0) with {fewer} contexts and {_seen(on_many[small])} with {more}; of those better by {large:g}, "
        f"{_seen(on_few[large])} and {_seen(on_many[large])}."
    )


def _half(each: Numbers) -> str:
    return f"{100 * each['at_most_half']:.0f} %"


def _seen(each: Numbers) -> str:
    return f"{100 * each['significant']:.0f} %"


def _by_difference(rows: list[Numbers], contexts: int) -> dict[float, Numbers]:
    return {row["difference"]: row for row in rows if row["contexts"] == contexts}


def _own(power: Numbers) -> str:
    """The MRR of each subset that is ranked on more contexts than its own, on these alone; folded."""
    lines = []
    for subset, domains in power["own"]["scores"].items():
        scores = [
            f"{model} {each['mrr']:.3f} ({each['mrr_low']:.3f} to {each['mrr_high']:.3f})"
            for model, each in domains["mean"].items()
        ]
        lines.append(f"{subset} subset on its own test contexts alone, mean MRR of the domains: {', '.join(scores)}.")
    return html.folded("Subsets on their own few test contexts", html.bullets(lines)) if lines else ""
