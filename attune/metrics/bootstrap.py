"""Is a difference real? Bootstrap intervals and paired tests over test examples.

A score of a domain is a ratio of sums, such as nats a token or, with 1 under each example, a mean. A run on other
examples would have given another score: the interval says how far that goes. What belongs together is drawn or
exchanged as one unit: all replies of a conversation, and an example in every domain that has it, as `all` shares its
examples with the other two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from attune.core.determinism import seeded

RESAMPLES = 10_000
LEVEL = 0.95
# Resamples at a time: of many conversations all at once would not fit into memory.
_CHUNKS = (500,) * (RESAMPLES // 500)


@dataclass(frozen=True)
class Ratio:
    """Two sums for each unit, `over` and `under`; the score is sum(over) / sum(under)."""

    over: Mapping[str, float]
    under: Mapping[str, float]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float, float]]) -> "Ratio":
        """From (unit, over, under) of each example."""
        over: dict[str, float] = {}
        under: dict[str, float] = {}
        for name, top, bottom in rows:
            over[name] = over.get(name, 0.0) + top
            under[name] = under.get(name, 0.0) + bottom
        return cls(over, under)

    @classmethod
    def mean(cls, values: Mapping[str, float]) -> "Ratio":
        """The mean of the units' values."""
        return cls(values, dict.fromkeys(values, 1.0))

    @property
    def value(self) -> float:
        return sum(self.over.values()) / sum(self.under.values())


# Per domain; where there are no domains, of one.
Domains = Sequence[Ratio]


def score(domains: Domains) -> float:
    """The mean over domains of each domain's score."""
    return fmean(domain.value for domain in domains)


def interval(domains: Domains, seed: int) -> tuple[float, float]:
    """95 percent interval of `score` (percentile bootstrap over units; Efron and Tibshirani 1993, section 13.3)."""
    return _quantiles(_scores(_resampled(_table(domains), seed)))


def compare(left: Domains, right: Domains, seed: int) -> dict[str, float]:
    """Paired: by how much `right`'s score is above `left`'s on the same units, its interval, and p.

    p is the two-sided randomisation test's: how often exchanging the two systems' sums, unit by unit, gives a
    difference at least as large (Smucker et al. 2007, section 3.1).

    Raises
    ------
    ValueError
        if the two sides have other units.
    """
    if [set(each.over) for each in left] != [set(each.over) for each in right]:
        raise ValueError("a paired test needs both systems' values on the same examples")
    before, after = _table(left), _table(right)
    found = score(right) - score(left)
    drawn = _resampled(np.hstack([before, after]), seed)
    low, high = _quantiles(_scores(drawn[:, before.shape[1] :]) - _scores(drawn[:, : before.shape[1]]))
    draws = _generator(seed, "signs")
    exchanged = ((draws.random((size, len(before))) < 0.5).astype(float) for size in _CHUNKS)
    moved = np.concatenate([each @ (before - after) for each in exchanged])
    differences = _scores(after.sum(0) + moved) - _scores(before.sum(0) - moved)
    extreme = int((np.abs(differences) >= abs(found) - 1e-12).sum())
    return {"difference": found, "low": low, "high": high, "p": (extreme + 1) / (RESAMPLES + 1)}


def rounded(found: Mapping[str, float], places: int) -> dict[str, float]:
    return {name: round(value, places) for name, value in found.items()}


def with_intervals(scores: Mapping[str, Domains], seed: int, places: int) -> dict[str, float]:
    """{name: score, name_low, name_high} of each score, rounded."""
    found: dict[str, float] = {}
    for name, domains in scores.items():
        low, high = interval(domains, seed)
        found |= {name: score(domains), f"{name}_low": low, f"{name}_high": high}
    return rounded(found, places)


def _table(domains: Domains) -> np.ndarray:
    """(units, 2 * domains), `over` and `under` of each in turn, in order of the units; 0 where a domain lacks one."""
    units = sorted({name for each in domains for name in each.over})
    columns = [part for each in domains for part in (each.over, each.under)]
    return np.array([[column.get(name, 0.0) for column in columns] for name in units])


def _scores(sums: np.ndarray) -> np.ndarray:
    """(resamples,) of (resamples, 2 * domains)."""
    return (sums[:, 0::2] / np.maximum(sums[:, 1::2], 1e-12)).mean(1)


def _resampled(table: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, columns): the sums over as many units as `table` has rows, drawn with replacement."""
    draws, count = _generator(seed, "bootstrap"), len(table)
    shares = np.full(count, 1 / count)
    return np.concatenate([draws.multinomial(count, shares, size=size) @ table for size in _CHUNKS])


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(seeded(seed, purpose).getrandbits(64))
