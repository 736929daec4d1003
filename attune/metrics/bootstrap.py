"""Is a difference larger than chance? Bootstrap intervals of scores, and paired tests, over the units of a test set.

A score of a domain is a ratio of sums over units: nats per token or, with a denominator of 1 for each unit, a mean.
Another test set would have produced another score; the interval says by how much. What belongs together is one unit, to
be resampled or exchanged as one: all replies of a conversation, and an example in every domain that holds it, as the
domain `all` shares its examples with the others.
"""

import itertools
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, stdtrit

from attune.core.determinism import seeded_numpy
from attune.metrics.exact import exact, of_rare, one_sided, unanimous
from attune.metrics.ratio import LEVEL, Domains, score

RESAMPLES = 10_000
# So many units a test needs to be significant at 5 %, and the range of their values to hold the truth in 95 % of cases.
FEWEST = 6
# Resamples drawn at a time: for a large test set all of them at once would not fit into memory.
_CHUNKS = (500,) * (RESAMPLES // 500)
# Up to so many units the resamples are kept for the next score, 40 MB of them, since drawing is nearly all of the work.
_KEPT_UNITS = 2000
# Up to so many units all ways to exchange them are gone through: no more than there would be resamples.
_ENUMERATED_UNITS = 13
# The smallest number that is not flushed to zero (attune.core.determinism).
_BESIDE_0 = sys.float_info.min


@dataclass(frozen=True)
class PairedTest:
    """The difference of two systems' scores, the bounds of its 95 % interval, its two-sided p and its effect size.

    p is below 0.05 exactly where the interval excludes 0. Fewer units than FEWEST can never be significant: the bounds
    are then infinite. effect: Cohen's d_z, the mean difference of a unit in standard deviations of such differences
    (Lakens 2013, section "paired samples"); None where all units differ by the same amount, other than 0.
    """

    difference: float
    low: float
    high: float
    p: float
    effect: float | None


def interval(domains: Domains, seed: int) -> tuple[float, float] | None:
    """The 95 % interval of `score`: percentiles of a bootstrap over units (Efron and Tibshirani 1993, section 13.3).

    Few units differ less in resamples than in truth, so the percentiles are further out (`tail`). Shares whose units
    all agree, such as 0 of 12, would have an interval without width; theirs is exact (`exact`). Shares near these, such
    as 1 of 12, would have too narrow a one; theirs reaches at least as far as the exact one does (`of_rare`). None for
    other scores where all units agree, or a domain has fewer units than FEWEST.
    """
    if unanimous(domains):
        return exact(domains, lowest=0)
    if min(len(each.numerator) for each in domains) < FEWEST or all(each.unanimous for each in domains):
        return None
    table = _table(domains)
    beyond = tail(len(table))
    low, high = np.quantile(_scores(_resampled(table, seed)), [beyond, 1 - beyond])
    least, most = of_rare(domains) or (low, high)
    return float(min(low, least)), float(max(high, most))


def compare(before: Domains, after: Domains, seed: int) -> PairedTest:
    """By how much the score of `after` is above that of `before` on the same units.

    p and interval are of one method, the randomisation test: p is the share of resamples in which exchanging the two
    systems, unit by unit at random, gives a difference at least as large (Smucker et al. 2007, section 3.1), and the
    interval holds every shift of one system that the test does not reject (Garthwaite 1996, section 1). A shift by d
    adds d times its denominator to a unit's sum, so that the rejected shifts follow from each resample in closed form.
    For few units all exchanges are gone through, and p is exact. Shares of which no unit's differs in the other
    direction have an interval at least as wide as if all differed by the same (`exact`), since that says little about
    how many do; where the test rejects 0, it ends just beside 0 at the latest.

    Raises
    ------
    ValueError
        if the two were measured on different units, or with other denominators.
    """
    if [each.denominator for each in before] != [each.denominator for each in after]:
        raise ValueError("a paired test needs both systems' values on the same examples, of the same lengths")
    # What a unit adds to the difference, and to a shift of 1: the units' sums are the difference and 1.
    left, right = _table(before), _table(after)
    totals = right[:, 1::2].sum(0)
    added = ((right[:, 0::2] - left[:, 0::2]) / totals).mean(1)
    weights = (right[:, 1::2] / totals).mean(1)
    difference = float(added.sum())
    lowest, highest = _not_rejected(added, weights, difference, seed)
    # Resamples that are drawn do not count what was observed, which is one more; all exchanges hold it already.
    added_one = int(len(added) > _ENUMERATED_UNITS)
    count = len(lowest) + added_one
    needed = math.ceil((1 - LEVEL) * count - 1e-9) - added_one  # resamples, for p to reach 1 - LEVEL
    low, high = np.partition(lowest, needed - 1)[needed - 1], -np.partition(-highest, needed - 1)[needed - 1]
    p = (int(((lowest <= 0) & (highest >= 0)).sum()) + added_one) / count
    differences = [later.above(earlier) for earlier, later in zip(before, after, strict=True)]
    if one_sided(differences):
        least, most = exact(differences, lowest=-1)
        low = min(low, max(least, _BESIDE_0) if low > 0 else least)
        high = max(high, min(most, -_BESIDE_0) if high < 0 else most)
    return PairedTest(difference, float(low), float(high), p, _effect(added, weights, difference))


def _not_rejected(
    added: np.ndarray, weights: np.ndarray, difference: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(resamples,) bounds of the shifts d in whose test the resample is at least as extreme as what was observed.

    With random signs s, that is |s . (added - d * weights)| >= |difference - d|; the bounds are where both are equal.
    """
    table = np.stack([added, weights], axis=1)
    signs = _all_signs(len(added)) if len(added) <= _ENUMERATED_UNITS else _drawn_signs(len(added), seed)
    moved, shifted = np.concatenate([each @ table for each in signs]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = np.stack([(difference - moved) / (1 - shifted), (difference + moved) / (1 + shifted)])
    bounds = np.where(np.abs(bounds) < 1e-12, 0.0, bounds)  # what is 0 but for rounding
    whole = np.abs(shifted) > 1 - 1e-12  # all or no units exchanged: as extreme as the observed, whatever the shift
    return np.where(whole, -np.inf, bounds.min(0)), np.where(whole, np.inf, bounds.max(0))


def _all_signs(units: int) -> Iterator[np.ndarray]:
    """(2 ** units, units) of 1 and -1, in one part."""
    yield np.array(list(itertools.product((1.0, -1.0), repeat=units)))


def _drawn_signs(units: int, seed: int) -> Iterator[np.ndarray]:
    """(resamples, units) of 1 and -1, in parts."""
    draws = _generator(seed, "signs")
    yield from (2.0 * draws.integers(0, 2, (size, units), np.int8) - 1 for size in _CHUNKS)


def _effect(added: np.ndarray, weights: np.ndarray, difference: float) -> float | None:
    """Cohen's d_z; for ratios and several domains by what each unit adds beyond its share of the difference."""
    if abs(difference) < 1e-12:
        return 0.0
    count = len(added)
    deviation = count * math.sqrt(float(((added - difference * weights) ** 2).sum()) / max(count - 1, 1))
    return difference / deviation if deviation > 1e-9 * abs(difference) else None


def rounded(scores: Mapping[str, float], places: int) -> dict[str, float]:
    return {name: round(value, places) for name, value in scores.items()}


def with_intervals(scores: Mapping[str, Domains], seed: int, places: int) -> dict[str, float]:
    """{name: score, name_low: low, name_high: high, ...}, rounded to `places` decimals; bounds only where there are."""
    columns: dict[str, float] = {}
    for name, domains in scores.items():
        columns[name] = score(domains)
        if bounds := interval(domains, seed):
            columns |= dict(zip((f"{name}_low", f"{name}_high"), bounds, strict=True))
    return rounded(columns, places)


def _table(domains: Domains) -> np.ndarray:
    """(units, 2 * domains): each domain's numerators and denominators by sorted unit; 0 where it lacks the unit."""
    units = sorted({unit for each in domains for unit in each.numerator})
    columns = [part for each in domains for part in (each.numerator, each.denominator)]
    return np.array([[column.get(unit, 0.0) for column in columns] for unit in units])


def _scores(sums: np.ndarray) -> np.ndarray:
    """(resamples,) scores of (resamples, 2 * domains) sums; a resample without a unit of each domain has none."""
    sums = sums[(sums[:, 1::2] > 0).all(1)]
    return (sums[:, 0::2] / sums[:, 1::2]).mean(1)


def _resampled(table: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, columns): column sums over as many units as `table` has, drawn with replacement."""
    drawn = _kept_counts if len(table) <= _KEPT_UNITS else _counts
    return np.concatenate([counts @ table for counts in drawn(len(table), seed)])


def _counts(units: int, seed: int) -> Iterator[np.ndarray]:
    """How often each unit is drawn, (resamples, units) in chunks."""
    draws, shares = _generator(seed, "bootstrap"), np.full(units, 1 / units)
    for size in _CHUNKS:
        yield draws.multinomial(units, shares, size=size)


@lru_cache(maxsize=2)
def _kept_counts(units: int, seed: int) -> list[np.ndarray]:
    return [counts.astype(np.uint16) for counts in _counts(units, seed)]


def tail(units: int) -> float:
    """The share of resamples beyond either bound: .011 for 12 units, .020 for 40, .025 for ever more.

    So wide is the interval of a mean by Student's t (the expanded percentile interval: Hesterberg 2015, "What teachers
    should know about the bootstrap").
    """
    return float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 - LEVEL) / 2)))


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return seeded_numpy(seed, purpose)
