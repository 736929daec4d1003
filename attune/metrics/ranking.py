"""Ranking scores as the paper reports them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

CUTOFFS = (1, 10, 50)


def rank(scores: Sequence[float], right: int) -> int:
    """The right candidate's rank from 1; ties rank pessimistically: whatever does not score less stands before it."""
    return sum(not score < scores[right] for score in scores)


def loss(scores: Sequence[float], right: int) -> float:
    """Cross-entropy of the right candidate in nats: -log softmax(scores)[right]."""
    highest = max(scores)
    return math.log(math.fsum(math.exp(score - highest) for score in scores)) + highest - scores[right]


def ranked(identity: str, scores: Sequence[float], texts: Sequence[str], logits: bool) -> dict[str, Any]:
    """What the scores of a test example's candidates say, the right one standing first, as `schemas.RANKED` has it.

    Scores that are no `logits` have no loss.
    """
    return {
        "id": identity,
        "rank": rank(scores, 0),
        "loss": loss(scores, 0) if logits else None,
        "response": texts[0],
        "first": texts[max(range(len(scores)), key=scores.__getitem__)],
    }


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
