"""A paired comparison of two systems on the same test examples, as it is written and read."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd


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


def records(comparisons: Iterable[Comparison], **about: str) -> list[dict[str, Any]]:
    """One JSON record per comparison, preceded by `about` (subset and domain, say)."""
    return [{**about, **asdict(each)} for each in comparisons]


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Records as a table, one row per comparison."""
    return pd.DataFrame([dict(row) for row in rows])
