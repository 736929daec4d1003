"""Plain sentences about paired comparisons: which differences are significant."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise

import pandas as pd

from attune.evaluation.comparison import Comparison
from attune.evaluation.ranking.summary import MEAN

# A difference with a lower p counts as significant.
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


def is_significant(comparison: Comparison) -> bool:
    return comparison.p < ALPHA


def _comparisons(tests: pd.DataFrame) -> Iterator[Comparison]:
    for row in tests[[field.name for field in fields(Comparison)]].to_dict("records"):
        yield Comparison(**{str(name): value for name, value in row.items()})


def _verdict(each: Comparison) -> str:
    score, higher_is_better = _SCORES[each.score]
    interval = f"(95 % interval {each.low:+.3f} to {each.high:+.3f}, p = {each.p:.4f})"
    if not is_significant(each):
        return f"{each.after} and {each.before} do not differ significantly in {score} {interval}"
    word = "better" if (each.difference > 0) == higher_is_better else "worse"
    return f"{each.after} is {word} than {each.before} by {abs(each.difference):.3f} {score} {interval}"


def _as_perplexity(each: Comparison) -> str:
    if not (each.score.startswith("loss") and is_significant(each)):
        return ""
    return f"; its perplexity is {math.exp(each.difference):.2f} times that of {each.before}"
