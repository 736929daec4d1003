"""Plain sentences with numbers: what a run found. A difference counts by its corrected p alone (`differences`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from attune.evaluation.generation.summary import LIKE_TARGET, TARGETS, system_of
from attune.evaluation.generation.sweep import MOST_REPEATED, REPEATED
from attune.evaluation.schemas import NO_PERSONA, ORACLE_RAG, OTHER_PERSONA, OTHER_RAG, RAG
from attune.parameters.generators import GeneratorSettings
from attune.report.differences import Difference, between, in_brackets
from attune.report.names import listed
from attune.report.scores import format_of
from attune.report.tables import records

Names = Mapping[str, str]
_SAME_PROMPT, _WITHOUT = "with the same prompt", "without its instruction"


def sentence(each: Difference, names: Names) -> str:
    """One comparison: which of the two is better, by how much, and how sure that is. Without a full stop."""
    after, before = (names.get(system, system) for system in (each.after, each.before))
    if not each.found:
        why = " after correction" if each.outside_zero else ""
        about = f"{each.score_title} ({each.size}; {in_brackets(each)[1:-1]})"
        return f"{after} and {before} do not differ significantly{why} in {about}"
    return f"{after} is {each.verdict} than {before}: {each.score_title} {each.size} {in_brackets(each)}"


def scored(row: Mapping[str, Any], score: str) -> str:
    """The score with its interval: MRR 0.483 (0.420 to 0.550). One without width would claim to be exact: none then."""
    form = format_of(score)
    title = form.title if form.title[:2].isupper() else form.title.lower()
    return f"{title} {form.text(float(row['value']))}{_interval(row, score)}"


def _interval(row: Mapping[str, Any], score: str) -> str:
    form, low, high = format_of(score), float(row["low"]), float(row["high"])
    return f" ({form.text(low)} to {form.text(high)})" if low < high else ""


def replies_of(scores: pd.DataFrame) -> int:
    """How many replies of each system tidy scores are of."""
    return int(scores["value"][scores["score"] == "replies"].max())


def best(scores: pd.DataFrame, score: str) -> dict[str, Any]:
    """The row of the best value of a score in a tidy table."""
    rows = records(scores[scores["score"] == score])
    worst_first = sorted(rows, key=lambda row: float(row["value"]), reverse=format_of(score).sense == "lower")
    return worst_first[-1]


def about_bases(tests: Sequence[Difference], generators: Mapping[str, GeneratorSettings], names: Names) -> str:
    """How many generators predict the test replies better than their base model, and the others' differences."""
    pairs = [between(list(tests), f"base of {name}", name, "loss") for name in generators]
    known = [each for each in pairs if each]
    others = [
        f"{names[each.after]} (perplexity {each.size}; {in_brackets(each, False)[1:-1]})"
        for each in known
        if not each.better
    ]
    bare = [names[name] for name, each in generators.items() if prompt_of_base(each) != _SAME_PROMPT]
    untrained = f" (for {listed(bare)}: without the instruction)" if bare else ""
    exceptions = f" The exception{' is' if len(others) == 1 else 's are'} {listed(others)}." if others else ""
    return (
        f"{len(known) - len(others)} of {len(known)} generators predict the test replies better than their base does "
        f"{_SAME_PROMPT}{untrained}.{exceptions}"
    )


def prompt_of_base(generator: GeneratorSettings) -> str:
    """How a generator's base was tested: an untrained one is its base, and differs from it by its instruction alone."""
    return _SAME_PROMPT if generator.trains else _WITHOUT


def about_personas(tests: Sequence[Difference], name: str, names: Names) -> str:
    """Whether the right persona helps a generator, against none and against another's."""
    none = between(list(tests), system_of(name, NO_PERSONA), name, "loss")
    other = between(list(tests), system_of(name, OTHER_PERSONA), name, "loss")
    pairs = ((none, " than without one"), (other, " than with another person's"))
    known = [(each, than) for each, than in pairs if each]
    parts = [_moved(each, than, named=not place) for place, (each, than) in enumerate(known)]
    helps = bool(none and none.better)
    own = other is None or other.better
    answer = (
        "helps"
        if helps and own
        else "helps, but its own not clearly more than another person's"
        if helps
        else "harms"
        if none and none.worse
        else "does not clearly help"
    )
    return f"In writing, a persona {answer} ({names[name]}): perplexity {'; '.join(parts)}."


def _moved(each: Difference, than: str = "", named: bool = True) -> str:
    word = ("lower" if each.difference < 0 else "higher") if each.found else "not clearly lower or higher"
    return f"{word}{than}, {each.size} {in_brackets(each, named)}"


def about_passages(tests: Sequence[Difference], name: str, names: Names) -> str:
    """Whether passages help a generator, also where no passage gives the target away.

    Any passages may help, by their manner and form: what retrieval adds is the difference to another message's.
    """
    given, another = system_of(name, RAG), system_of(name, OTHER_RAG)
    every, new = (between(list(tests), name, given, score) for score in ("loss", "loss_target_not_given"))
    if every is None:
        return ""
    prompts = " over all prompts" if new else ""
    effect = _effect(every, new)
    where = "elsewhere" if "elsewhere" in effect else "where none contains the reply asked for"
    further = ((where, new), ("than with another message's passages", between(list(tests), another, given, "loss")))
    told = [f"{words}, {each.size} {in_brackets(each, False)}" for words, each in further if each]
    return f"Passages {effect} ({names[name]}): perplexity{prompts} {'; '.join([_moved(every), *told])}."


def _effect(every: Difference, new: Difference | None) -> str:
    """What passages do over all prompts, and whether also in those whose passages do not contain the target (new)."""
    if not every.found:
        return "neither help nor harm clearly"
    if every.worse:
        return "harm"
    if new is None or new.better:
        return "help"
    return _given_away(new)


def _given_away(new: Difference) -> str:
    """What passages do that are not found to help in prompts whose passages do not contain the target (new)."""
    elsewhere = (
        "harm"
        if new.worse
        else "rather harm, but not significantly after correction"
        if new.outside_zero and new.difference > 0
        else "neither help nor harm clearly"
    )
    return f"help where they contain the reply asked for; elsewhere they {elsewhere}"


def why_passages(scores: pd.DataFrame, tests: Sequence[Difference], name: str, names: Names) -> list[str]:
    """What is retrieved, what could be, and which of the two limits a generator that was trained with passages.

    scores: tidy, by system.
    """
    shown = scores[scores["score"].isin(["passage_similarity", "passage_like_target"])]
    values = {system: dict(zip(rows["score"], rows["value"], strict=True)) for system, rows in shown.groupby("system")}
    after = [system_of(name, variant) for variant in (RAG, ORACLE_RAG)]
    retrieved, oracle = (between(list(tests), name, each, "loss") for each in after)
    apart = between(list(tests), after[0], after[1], "loss")
    if not (retrieved and oracle and apart and all(each in values for each in after)):
        return []
    new = between(list(tests), name, after[0], "loss_target_not_given")
    return [
        f"{sentence(retrieved, names)}.",
        f"What is retrieved: {_likeness(values[after[0]])}.",
        "What could be, with the train exchanges whose replies are most like the true one: "
        f"{_likeness(values[after[1]])}; {sentence(oracle, names)}.",
        f"So {_reason(retrieved, oracle, apart, new)}.",
    ]


def _likeness(passages: Mapping[str, float]) -> str:
    share = 100 * passages["passage_like_target"]
    return (
        "of the prompts with passages, the reply in the most similar one has a mean similarity of "
        f"{passages['passage_similarity']:.3f} to the true reply; {share:.0f} % of all prompts have a passage like "
        f"the true reply (cosine of at least {LIKE_TARGET:g})"
    )


def _reason(retrieved: Difference, oracle: Difference, apart: Difference, new: Difference | None) -> str:
    """What limits passages: the retrieval, if better passages help more than those that are retrieved (apart)."""
    if retrieved.better and new and not new.better:
        return f"passages {_given_away(new)}"
    if retrieved.better and apart.better:
        return "passages are worth retrieving, and those most like the true reply help more"
    if retrieved.better:
        return "passages are worth retrieving, and those most like the true reply do not clearly help more"
    if oracle.better and apart.better:
        return "retrieval is what limits it: passages most like the true reply help, those retrieved do not clearly"
    like = "do not clearly help more than those retrieved" if oracle.better else "do not clearly lower the perplexity"
    return f"nothing shows that retrieval limits it: passages most like the true reply {like}"


def about_answers(tests: Sequence[Difference], scores: pd.DataFrame, names: Names) -> str:
    """Retrieved replies against written ones to the same contexts; scores: tidy, by system."""
    known = [each for each in tests if each.score == "similarity"]
    if not known:
        return ""
    retrieval = names[known[0].before]
    told = _nothing_clear(known) if not any(each.found for each in known) else _counted(known)
    leading = best(scores[scores["system"] != TARGETS], "similarity")
    value = f"{leading['value']:.3f}{_interval(leading, 'similarity')}"
    return f"On {replies_of(scores)} contexts, {retrieval} {told}. Highest mean: {names[leading['system']]}, {value}."


def _nothing_clear(known: Sequence[Difference]) -> str:
    """Retrieval that differs from no generator after correction, and how many differ before it."""
    every = "the generator" if len(known) == 1 else f"any of {len(known)} generators"
    before = [
        f"{count} {'is' if count == 1 else 'are'} {word}"
        for word, count in (
            ("lower", sum(each.outside_zero and each.difference < 0 for each in known)),
            ("higher", sum(each.outside_zero and each.difference > 0 for each in known)),
        )
        if count
    ]
    uncorrected = f"; before correction {listed(before)}" if before else ""
    return f"shows no clear difference from {every} in similarity to the true reply{uncorrected}"


def _counted(known: Sequence[Difference]) -> str:
    """How many generators retrieval answers more like the true reply than, and less."""
    ahead, behind = (sum(getattr(each, word) for each in known) for word in ("worse", "better"))
    rest = len(known) - ahead - behind
    if len(known) == 1:
        return f"answers {'more' if ahead else 'less'} like the true reply than the generator"
    parts = [
        f"answers more like the true reply than {ahead or 'none'} of {len(known)} generators",
        f"less than {behind}" if behind else "",
        f"from the other {rest} it does not clearly differ" if rest else "",
    ]
    return "; ".join(part for part in parts if part)


def about_decoding(scores: pd.DataFrame, best: str, names: Names) -> str:
    """Why a point of the sweep is the best; scores: tidy, by generator and point."""
    means = scores[scores["point"] == best].groupby("score")["value"].mean()
    numbers = (
        f"similarity {means['similarity']:.3f}, {100 * means[REPEATED]:.1f} % repeated trigrams, means over "
        + " and ".join(names.get(name, name) for name in scores["generator"].unique())
    )
    if means[REPEATED] > MOST_REPEATED:
        return (
            f"At every point of the decoding sweep, replies repeat more than {100 * MOST_REPEATED:.0f} % of their "
            f"trigrams; chosen is {best}, where they repeat the least ({numbers})."
        )
    repeated = scores[scores["score"] == REPEATED].groupby("point")["value"].mean()
    of = f"of the points whose replies repeat at most {100 * MOST_REPEATED:.0f} % of their trigrams, "
    return (
        f"Decoding, chosen by a sweep: {best} (temperature/top_k/top_p; {numbers}): "
        f"{of if max(repeated) > MOST_REPEATED else ''}the first that is within one standard error of the one most "
        "similar to the true replies."
    )
