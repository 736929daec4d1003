"""A paired comparison of two systems on the same test examples, and its JSON record."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from attune.metrics.bootstrap import PairedTest

# Decimals of differences, bounds and p.
PLACES = 6


@dataclass(frozen=True)
class Comparison:
    """By how much `after`'s score is above `before`'s, with a 95 % interval and a two-sided p.

    `score`: mrr, loss (nats per token), ... as the score tables call it.
    """

    before: str
    after: str
    score: str
    difference: float
    low: float
    high: float
    p: float

    @classmethod
    def of(cls, before: str, after: str, score: str, test: PairedTest) -> "Comparison":
        """The result of `metrics.bootstrap.compare`, rounded to PLACES decimals."""
        return cls(before, after, score, *(round(value, PLACES) for value in asdict(test).values()))


def records(comparisons: Iterable[Comparison], **about: str) -> list[dict[str, Any]]:
    """One JSON record per comparison, preceded by `about` (subset and domain, say)."""
    return [{**about, **asdict(each)} for each in comparisons]


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Records as a table, one row per comparison."""
    return pd.DataFrame([dict(row) for row in rows])
