"""Plain sentences about paired comparisons: which differences are significant."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise

import pandas as pd

from attune.evaluation.comparison import Comparison
from attune.evaluation.generation.summary import LIKE_TARGET, system_of
from attune.evaluation.generation.sweep import MOST_REPEATED, REPEATED
from attune.evaluation.ranking.summary import MEAN
from attune.evaluation.schemas import ORACLE_RAG, RAG

# A difference with a lower corrected p counts as significant.
ALPHA = 0.05
# How each score is called, and whether more of it is better.
_SCORES = {
    "mrr": ("MRR", True),
    "loss": ("nats per token", False),
    "loss_target_not_given": ("nats per token where no passage contains the target", False),
    "similarity": ("similarity to the target", True),
    "emotion_match": ("emotion match", True),
}


def about_ranking(tests: pd.DataFrame, models: Sequence[str]) -> list[str]:
    """For each subset and each model against the one before it: over all domains, then in how many domains.

    tests: one row per comparison, with its subset and domain.
    """
    lines = []
    for subset, of_subset in tests.groupby("subset", sort=False):
        for before, after in pairwise(models):
            rows = of_subset[(of_subset["before"] == before) & (of_subset["after"] == after)]
            (overall,) = _comparisons(rows[rows["domain"] == MEAN])
            domains = list(_comparisons(rows[rows["domain"] != MEAN]))
            better = sum(is_significant(each) and each.difference > 0 for each in domains)
            worse = sum(is_significant(each) and each.difference < 0 for each in domains)
            lines.append(
                f"{subset} subset: {_verdict(overall)}. Of the {len(domains)} domains, it is significantly better in "
                f"{better} and significantly worse in {worse}."
            )
    return lines


def about_pairs(tests: pd.DataFrame) -> list[str]:
    """One sentence per comparison; significant differences in loss are given as a ratio of perplexities too."""
    return [f"{_verdict(each)}{_as_perplexity(each)}." for each in _comparisons(tests)]


def about_passages(scores: pd.DataFrame, tests: pd.DataFrame, generator: str, other: str) -> list[str]:
    """Whether passages help a generator that was trained with them, and why: what is retrieved, and what could be.

    scores: tidy, by system. other: the generator that was trained without passages, or `generator` itself.
    """
    found = scores[scores["score"].isin(["passage_similarity", "passage_like_target"])]
    values = {system: dict(zip(rows["score"], rows["value"], strict=True)) for system, rows in found.groupby("system")}
    after = [system_of(generator, variant) for variant in (RAG, ORACLE_RAG)]
    compared = tests[(tests["before"] == other) & (tests["score"] == "loss")].set_index("after", drop=False)
    retrieved, oracle = _comparisons(compared.loc[after])
    return [
        f"Retrieved passages {_effect(retrieved)}: {_verdict(retrieved)}.",
        f"What is retrieved: {_likeness(values[after[0]])}.",
        f"What could be: with the one train exchange whose reply is most like the target in place of them, "
        f"{_likeness(values[after[1]])}, and {_verdict(oracle)}.",
        f"So {_reason(retrieved, oracle)}.",
    ]


def about_decoding(scores: pd.DataFrame, best: str) -> str:
    """Why a point of the sweep is the best; scores: tidy, by generator and point."""
    means = scores[scores["point"] == best].groupby("score")["value"].mean()
    numbers = (
        f"similarity {means['similarity']:.3f}, {100 * means[REPEATED]:.1f} % repeated trigrams, means over "
        + " and ".join(scores["generator"].unique())
    )
    if means[REPEATED] > MOST_REPEATED:
        return (
            f"At every point, replies repeat more than {100 * MOST_REPEATED:.0f} % of their trigrams; best is {best}, "
            f"where they repeat the least ({numbers})."
        )
    return (
        f"Best is {best} (temperature/top_k/top_p): of the points whose replies repeat at most "
        f"{100 * MOST_REPEATED:.0f} % of their trigrams, the one whose replies are most similar to the true ones "
        f"({numbers})."
    )


def _effect(each: Comparison) -> str:
    if not is_significant(each):
        return "neither help nor harm significantly"
    return "help" if each.difference < 0 else "harm"


def _likeness(passages: Mapping[str, float]) -> str:
    return (
        f"a prompt's most similar passage has a reply of mean similarity {passages['passage_similarity']:.3f} to the "
        f"target, and {100 * passages['passage_like_target']:.0f} % of prompts have one that is like it (cosine of at "
        f"least {LIKE_TARGET:g})"
    )


def _reason(retrieved: Comparison, oracle: Comparison) -> str:
    """What limits passages: the retrieval, if better passages would help more than those that are retrieved."""
    if not (is_significant(oracle) and oracle.difference < 0):
        return "retrieval is not what limits it: the passage most like the target does not lower the loss significantly"
    if is_significant(retrieved) and retrieved.difference < 0:
        return "passages are worth retrieving, and the more like the target their replies are, the more they help"
    return "it is the retrieval that limits it: passages like the target would help, but they are seldom retrieved"


def is_significant(comparison: Comparison) -> bool:
    """Whether p, corrected for the other comparisons of its family, is below ALPHA."""
    return comparison.p_holm is not None and comparison.p_holm < ALPHA


def _comparisons(tests: pd.DataFrame) -> Iterator[Comparison]:
    for row in tests[[field.name for field in fields(Comparison)]].to_dict("records"):
        yield Comparison(**{str(name): value for name, value in row.items()})


def _verdict(each: Comparison) -> str:
    score, higher_is_better = _SCORES[each.score]
    bounds = "none, for too few examples" if pd.isna(each.low) else f"{each.low:+.3f} to {each.high:+.3f}"
    interval = f"(95 % interval {bounds}, p = {each.p:.4f}, corrected {each.p_holm:.4f})"
    if not is_significant(each):
        alone = ", taken alone," if each.p < ALPHA else ""
        but = ", but not once all comparisons of its family are counted" if alone else ""
        verb = "differ" if alone else "do not differ"
        return f"{each.after} and {each.before}{alone} {verb} significantly in {score}{but} {interval}"
    word = "better" if (each.difference > 0) == higher_is_better else "worse"
    return f"{each.after} is {word} than {each.before} by {abs(each.difference):.3f} {score} {interval}"


def _as_perplexity(each: Comparison) -> str:
    if not (each.score.startswith("loss") and is_significant(each)):
        return ""
    return f"; its perplexity is {math.exp(each.difference):.2f} times that of {each.before}"
