"""Ranking scores as the paper reports them (Zhong et al., EMNLP 2020, section 5): one right reply per context."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

CUTOFFS = (1, 10, 50)


def _within(cutoff: int) -> Callable[[int], float]:
    return lambda rank: float(rank <= cutoff)


# Each score is the mean over contexts of a value of the right reply's rank, which counts from 1. The tables, intervals
# and the validation during training take every entry.
METRICS: dict[str, Callable[[int], float]] = {
    "mrr": lambda rank: 1 / rank,
    **{f"r@{cutoff}": _within(cutoff) for cutoff in CUTOFFS},
}


def rank(scores: Sequence[float], right: int) -> int:
    """The rank from 1 of candidate number `right`; pessimistic on ties: whatever does not score less is ahead of it."""
    return sum(not score < scores[right] for score in scores)


def loss(scores: Sequence[float], right: int) -> float:
    """Cross-entropy of the right candidate in nats: -log softmax(scores)[right]."""
    highest = max(scores)
    return math.log(math.fsum(math.exp(score - highest) for score in scores)) + highest - scores[right]


def ranked(scores: Sequence[float], candidates: Sequence[str], logits: bool) -> dict[str, Any]:
    """One test context's rank and loss of the right reply (the first candidate), that reply and the one ranked first.

    loss is in nats, None for scores that are not `logits`. Of tied candidates the last is first, so that the right one
    is only where its rank is 1.
    """
    return {
        "rank": rank(scores, 0),
        "loss": loss(scores, 0) if logits else None,
        "response": candidates[0],
        "first": candidates[max(range(len(scores)), key=lambda at: (scores[at], at))],
    }


def ranking_scores(ranks: Sequence[int]) -> dict[str, float]:
    """The means of METRICS (MRR and R@k: shares between 0 and 1) over contexts whose right reply has these ranks.

    >>> ranking_scores([1, 4])["mrr"]
    0.625
    """
    return {name: fmean(map(metric, ranks)) for name, metric in METRICS.items()}


def by_metric(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Each score's value of every ranked row, in order: METRICS, and `loss` where the method has one."""
    values = {name: [metric(row["rank"]) for row in rows] for name, metric in METRICS.items()}
    losses = [row["loss"] for row in rows if row["loss"] is not None]
    return values | ({"loss": losses} if losses else {})
