"""Ranking scores as the paper reports them."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

CUTOFFS = (1, 10, 50)


def rank(scores: Sequence[float], right: int) -> int:
    """The right candidate's rank from 1; ties rank pessimistically: whatever does not score less stands before it."""
    return sum(not score < scores[right] for score in scores)


def ranking_scores(ranks: Sequence[int]) -> dict[str, float]:
    """MRR and R@1, R@10, R@50 of the ranks of one right candidate each, as shares between 0 and 1.

    >>> ranking_scores([1, 4])["mrr"]
    0.625
    """
    found: dict[str, Any] = {"mrr": fmean(1 / each for each in ranks)}
    return found | {f"r@{cutoff}": fmean(each <= cutoff for each in ranks) for cutoff in CUTOFFS}


def by_example(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Each score's value on each example, by id, of ranked rows: `id`, `rank` and, where the method has one, `loss`."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        for name, value in ranking_scores([row["rank"]]).items():
            found.setdefault(name, {})[row["id"]] = float(value)
        if row.get("loss") is not None:
            found.setdefault("loss", {})[row["id"]] = row["loss"]
    return found
