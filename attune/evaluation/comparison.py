"""A paired comparison of two systems on the same test examples, and its JSON record."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from attune.evaluation.families import FAMILIES
from attune.metrics.bootstrap import PairedTest
from attune.metrics.multiplicity import holm

# Decimals of differences, bounds and p.
PLACES = 6


@dataclass(frozen=True)
class Comparison:
    """By how much `after`'s score is above `before`'s, with a 95 % interval and a two-sided p.

    score: mrr, loss (nats per token), ... as the score tables call it. `low` and `high` are None where so few
    examples give no interval; `effect` is as `PairedTest` has it. family: a key of FAMILIES. p_holm: p corrected
    for the family's other comparisons, which `corrected` adds.
    """

    before: str
    after: str
    score: str
    difference: float
    low: float | None
    high: float | None
    p: float
    effect: float | None
    family: str
    p_holm: float | None = None

    @classmethod
    def of(cls, before: str, after: str, score: str, test: PairedTest, family: str) -> "Comparison":
        """The result of `metrics.bootstrap.compare`, rounded to PLACES decimals."""
        effect = None if test.effect is None else round(test.effect, PLACES)
        low, high = _bound(test.low), _bound(test.high)
        return cls(
            before, after, score, round(test.difference, PLACES), low, high, round(test.p, PLACES), effect, family
        )


def records(comparisons: Iterable[Comparison], **about: str) -> list[dict[str, Any]]:
    """One JSON record per comparison, preceded by `about` (subset and domain, say)."""
    return [{**about, **asdict(each)} for each in comparisons]


def corrected(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records with their `p_holm`: p corrected for all of these records that are of the same family."""
    families: dict[str, list[dict[str, Any]]] = {}
    given = [dict(row) for row in rows]
    for row in given:
        families.setdefault(row["family"], []).append(row)
    for family, members in families.items():
        if family not in FAMILIES:
            raise ValueError(f"{family!r} is no family of comparisons; describe it in attune/evaluation/families.py")
        for row, p in zip(members, holm([row["p"] for row in members]), strict=True):
            row["p_holm"] = round(p, PLACES)
    return given


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Records as a table, one row per comparison."""
    return pd.DataFrame([dict(row) for row in rows])


def _bound(value: float) -> float | None:
    """Rounded, None where it is infinite; a bound beside 0 does not become 0, which would contradict p."""
    if not math.isfinite(value):
        return None
    return round(value, PLACES) or (math.copysign(10**-PLACES, value) if value else 0.0)
