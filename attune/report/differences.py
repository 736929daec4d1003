"""Paired comparisons as readers see them: what differs, by how much, and whether chance explains it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from attune.evaluation.ranking.summary import MEAN
from attune.report.scores import Sense, change, format_of

# A difference with a lower corrected p counts as one.
ALPHA = 0.05
# The lowest p that the resamples of a test can give, to the four decimals that are shown.
FLOOR = 0.0001
_LOSSES = {
    "loss": "perplexity",
    "loss_target_not_given": "perplexity where no passage contains the true reply",
}


@dataclass(frozen=True)
class Difference:
    """By how much `after`'s score is above `before`'s, with a 95 % interval.

    p: two-sided; p_holm: corrected for all comparisons of its `family`. effect: standardised. subset and domain: where
    the two were compared; empty where there are none.
    """

    family: str
    before: str
    after: str
    score: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    effect: float
    subset: str = ""
    domain: str = ""

    @property
    def found(self) -> bool:
        """Whether chance does not explain it: by the corrected p, and never against the interval."""
        return self.p_holm < ALPHA and self.outside_zero

    @property
    def outside_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def sense(self) -> Sense:
        return "lower" if self.score.startswith("loss") else format_of(self.score).sense

    @property
    def verdict(self) -> str:
        """better or worse by the score's sense (higher or lower where it has none), or why neither can be said."""
        if not self.found:
            return "no difference after correction" if self.outside_zero else "no difference found"
        if self.sense is None:
            return "higher" if self.difference > 0 else "lower"
        return "better" if (self.difference > 0) == (self.sense == "higher") else "worse"

    @property
    def better(self) -> bool:
        return self.verdict == "better"

    @property
    def worse(self) -> bool:
        return self.verdict == "worse"

    @property
    def score_title(self) -> str:
        return _LOSSES.get(self.score) or format_of(self.score).title

    @property
    def size(self) -> str:
        """The difference: −36.1 %, +0.055."""
        return change(self.score, self.difference)

    @property
    def interval(self) -> str:
        """The bounds of the difference in the same unit; too few examples have none."""
        if math.isnan(self.low):
            return "none, for too few examples"
        return f"{change(self.score, self.low)} to {change(self.score, self.high)}"

    @property
    def strength(self) -> float:
        """The size of the effect, by which comparisons are sorted; 0 where it has none."""
        return 0.0 if math.isnan(self.effect) else abs(self.effect)

    @property
    def p_text(self) -> str:
        return p_text(self.p, self.p <= FLOOR)

    @property
    def p_holm_text(self) -> str:
        return p_text(self.p_holm, self.p <= FLOOR and self.p_holm < 1)


def p_text(p: float, bound: bool = False) -> str:
    """A p to two digits and at most four decimals; bound: the resamples show only that it is at most this."""
    if p <= FLOOR:
        return f"≤ {FLOOR:.4f}"
    digits = 2 if p >= 0.1 else 3 if p >= 0.01 else 4
    return ("≤ " if bound else "") + f"{p:.{digits}f}"


def differences(tests: pd.DataFrame) -> list[Difference]:
    """The rows of a table of tests; what too few examples leave open is NaN."""
    return list(_differences(tests))


def _differences(tests: pd.DataFrame) -> Iterator[Difference]:
    columns = [field.name for field in fields(Difference) if field.name in tests]
    for row in tests[columns].to_dict("records"):
        values: dict[str, Any] = {str(name): math.nan if value is None else value for name, value in row.items()}
        yield Difference(**values)


def over_domains(found: list[Difference]) -> list[Difference]:
    """Those of the mean over the domains, or that have no domain."""
    return [each for each in found if each.domain in ("", MEAN)]


def between(found: list[Difference], before: str, after: str, score: str) -> Difference | None:
    """The comparison of two systems by a score, None if there is none."""
    wanted = (before, after, score)
    return next((each for each in found if (each.before, each.after, each.score) == wanted), None)


def families(found: list[Difference]) -> dict[str, list[Difference]]:
    """The comparisons by their family, families in the order of their first."""
    grouped: dict[str, list[Difference]] = {}
    for each in found:
        grouped.setdefault(each.family, []).append(each)
    return grouped


def in_brackets(each: Difference, named: bool = True) -> str:
    """(95 % interval +0.029 to +0.081, corrected p ≤ 0.0001); named: whether the two are called so."""
    interval, corrected = ("95 % interval ", "corrected ") if named else ("", "")
    p = each.p_holm_text
    return f"({interval}{each.interval}, {corrected}p {p if p.startswith('≤') else f'= {p}'})"
