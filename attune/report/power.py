"""What the test sets' sizes let anyone say, and what of the first report's finding they do not."""

from collections.abc import Mapping
from typing import Any

from attune.report import html

Numbers = Mapping[str, Any]
# What happens in a smaller share of the experiments counts as unlikely.
_UNLIKELY = 0.05


def about(power: Numbers, names: Mapping[str, str]) -> str:
    """The paragraphs as HTML; power: as `evaluation.ranking.power.power_of` has it. names: models in words."""
    told = html.folded("What the first report's finding says of fine-tuning", f"<p>{first_report(power)}</p>")
    return f"<p>{_resolution(power, names)}</p>{told}{_own(power, names)}"


def _resolution(power: Numbers, names: Mapping[str, str]) -> str:
    """How far apart two recipes must be, for the pair of the first report's finding."""
    before, after = (power["outperform"][0][end] for end in ("before", "after"))
    contexts = [each for each in power["needed"] if (each["before"], each["after"]) == (before, after)]
    before, after = (names.get(each, each) for each in (before, after))
    if contexts[0]["contexts"] is None:
        return (
            f"How many contexts are needed to see a difference in MRR between {after} and {before} is not known: these "
            "contexts show no variation to estimate it from."
        )
    numbers = ", ".join(f"{each['contexts']:,} for {each['difference']:g}" for each in contexts)
    return (
        f"Contexts needed to see a difference in MRR between {after} and {before} (95 % interval without 0) in "
        f"80 % of test sets: {numbers}."
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
    found = (
        "The first report found that only half of the fine-tuned models outperformed the baseline in MRR, with "
        f"{fewer} and {more} test contexts."
    )
    if not models:
        return f"{found} These contexts show no variation from which to simulate what that says."
    few_ahead, many_ahead = (100 * each[0.0]["at_most_half"] for each in (on_few, on_many))
    nothing = f"{few_ahead:.0f} % ({fewer} contexts) and {many_ahead:.0f} % ({more})"
    by_small, by_large = (_shares("at_most_half", on_few[each], on_many[each]) for each in (small, large))
    experiments, ahead, improved = (
        (f"{models} models, each tested", "At most half of the models come out ahead", "every model")
        if models > 1
        else ("1 model, tested", "It does not come out ahead", "the model")
    )
    seen = [_shares("significant", on_few[each], on_many[each]) for each in (small, large)]
    verdicts = (_verdict(on_few[each], on_many[each]) for each in (small, large))
    return (
        f"{found} We simulated experiments with {experiments} on its own {fewer} or {more} contexts drawn from ours. "
        f"{ahead} in {nothing} of the experiments if fine-tuning changes nothing, in {by_small} if it improves "
        f"{improved} by {small:g}, and in {by_large} if by {large:g}. Below {100 * _UNLIKELY:.0f} % counts as "
        f"unlikely: the finding {'; it '.join(verdicts)}. One model's improvement of {small:g} is seen (interval above "
        f"0) in {seen[0]}, one of {large:g} in {seen[1]}."
    )


def _verdict(few: Numbers, many: Numbers) -> str:
    """Whether the finding speaks against an improvement, by how seldom it comes with it on few and on many contexts."""
    against = [each["contexts"] for each in (few, many) if each["at_most_half"] < _UNLIKELY]
    improvement = f"an improvement of {few['difference']:g}"
    if not against:
        return f"cannot distinguish {improvement} from none"
    return f"speaks against {improvement}" + (f", but only with {against[0]} contexts" if len(against) == 1 else "")


def _shares(name: str, few: Numbers, many: Numbers) -> str:
    """The share of experiments on few and on many contexts: "46 and 21 %"."""
    return f"{100 * few[name]:.0f} and {100 * many[name]:.0f} %"


def _by_difference(rows: list[Numbers], contexts: int) -> dict[float, Numbers]:
    return {row["difference"]: row for row in rows if row["contexts"] == contexts}


def _own(power: Numbers, names: Mapping[str, str]) -> str:
    """The MRR of each subset that is ranked on more contexts than its own, on these alone; folded."""
    lines = []
    for subset, domains in power["own"]["scores"].items():
        scores = [
            f"{names.get(model, model)} {each['mrr']:.3f}"
            + (f" ({each['mrr_low']:.3f} to {each['mrr_high']:.3f})" if "mrr_low" in each else "")
            for model, each in domains["mean"].items()
        ]
        lines.append(f"{subset} subset on its own test contexts alone, mean MRR of the domains: {', '.join(scores)}.")
    return html.folded("Subsets on their own few test contexts", html.bullets(lines)) if lines else ""
