"""Is a difference larger than chance? Bootstrap intervals and paired tests over the units of a test set.

A score of a domain is a ratio of sums over units: nats per token or, with a denominator of 1 for each unit, a mean.
Another test set would have produced another score; the interval says by how much. What belongs together is one unit, to
be resampled or exchanged as one: all replies of a conversation, and an example in every domain that holds it, as the
domain `all` shares its examples with the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from attune.core.determinism import seeded

RESAMPLES = 10_000
LEVEL = 0.95
# Resamples drawn at a time: for a large test set all of them at once would not fit into memory.
_CHUNKS = (500,) * (RESAMPLES // 500)


@dataclass(frozen=True)
class Ratio:
    """A score that is sum(numerator) / sum(denominator), both by unit."""

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float, float]]) -> "Ratio":
        """From (unit, numerator, denominator) of each example; examples of one unit are summed."""
        numerator: dict[str, float] = {}
        denominator: dict[str, float] = {}
        for unit, above, below in rows:
            numerator[unit] = numerator.get(unit, 0.0) + above
            denominator[unit] = denominator.get(unit, 0.0) + below
        return cls(numerator, denominator)

    @classmethod
    def mean(cls, values: Mapping[str, float]) -> "Ratio":
        """The mean of one value per unit."""
        return cls(values, dict.fromkeys(values, 1.0))

    @property
    def value(self) -> float:
        return sum(self.numerator.values()) / sum(self.denominator.values())


@dataclass(frozen=True)
class PairedTest:
    """The difference of two systems' scores, the bounds of its 95 % interval, and its two-sided p."""

    difference: float
    low: float
    high: float
    p: float


# The same score in each domain; a single one for data without domains.
Domains = Sequence[Ratio]


def score(domains: Domains) -> float:
    """The mean over domains of each domain's score."""
    return fmean(domain.value for domain in domains)


def interval(domains: Domains, seed: int) -> tuple[float, float]:
    """The 95 % interval of `score` (percentile bootstrap over units; Efron and Tibshirani 1993, section 13.3)."""
    return _quantiles(_scores(_resampled(_table(domains), seed)))


def compare(before: Domains, after: Domains, seed: int) -> PairedTest:
    """By how much the score of `after` is above that of `before` on the same units.

    p is that of the randomisation test: the share of resamples in which exchanging the two systems' sums, unit by unit
    at random, gives a difference at least as large (Smucker et al. 2007, section 3.1).

    Raises
    ------
    ValueError
        if the two were measured on different units.
    """
    if [set(each.numerator) for each in before] != [set(each.numerator) for each in after]:
        raise ValueError("a paired test needs both systems' values on the same examples")
    left, right = _table(before), _table(after)
    difference = score(after) - score(before)
    sums = _resampled(np.hstack([left, right]), seed)
    low, high = _quantiles(_scores(sums[:, left.shape[1] :]) - _scores(sums[:, : left.shape[1]]))
    draws = _generator(seed, "signs")
    exchanged = ((draws.random((size, len(left))) < 0.5).astype(float) for size in _CHUNKS)
    moved = np.concatenate([each @ (left - right) for each in exchanged])
    differences = _scores(right.sum(0) + moved) - _scores(left.sum(0) - moved)
    extreme = int((np.abs(differences) >= abs(difference) - 1e-12).sum())
    return PairedTest(difference, low, high, (extreme + 1) / (RESAMPLES + 1))


def rounded(scores: Mapping[str, float], places: int) -> dict[str, float]:
    return {name: round(value, places) for name, value in scores.items()}


def with_intervals(scores: Mapping[str, Domains], seed: int, places: int) -> dict[str, float]:
    """{name: score, name_low: low, name_high: high, ...}, rounded to `places` decimals."""
    columns: dict[str, float] = {}
    for name, domains in scores.items():
        low, high = interval(domains, seed)
        columns |= {name: score(domains), f"{name}_low": low, f"{name}_high": high}
    return rounded(columns, places)


def _table(domains: Domains) -> np.ndarray:
    """(units, 2 * domains): each domain's numerators and denominators by sorted unit; 0 where it lacks the unit."""
    units = sorted({unit for each in domains for unit in each.numerator})
    columns = [part for each in domains for part in (each.numerator, each.denominator)]
    return np.array([[column.get(unit, 0.0) for column in columns] for unit in units])


def _scores(sums: np.ndarray) -> np.ndarray:
    """(resamples,) scores of (resamples, 2 * domains) sums."""
    return (sums[:, 0::2] / np.maximum(sums[:, 1::2], 1e-12)).mean(1)


def _resampled(table: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, columns): column sums over as many units as `table` has, drawn with replacement."""
    draws, count = _generator(seed, "bootstrap"), len(table)
    shares = np.full(count, 1 / count)
    return np.concatenate([draws.multinomial(count, shares, size=size) @ table for size in _CHUNKS])


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(seeded(seed, purpose).getrandbits(64))
