"""Scores of systems that were trained with several seeds, with intervals that cover the seeds and the test units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from attune.core.determinism import seeded_numpy
from attune.metrics.bootstrap import RESAMPLES, tail
from attune.metrics.ratio import Ratio

_AT_ONCE = 500  # resamples


@dataclass(frozen=True)
class OverSeeds:
    """The mean over seeds, the standard deviation (n - 1) of the seeds' scores, and the bounds of the 95 % interval."""

    mean: float
    sd: float
    low: float
    high: float


def over_seeds(
    by_seed: Mapping[int, Ratio], seed: int, score: Callable[[np.ndarray], np.ndarray] = lambda ratios: ratios
) -> OverSeeds:
    """The mean over `by_seed` of each seed's `score`, a function of its ratio (the ratio itself by default).

    The interval is the percentiles of a hierarchical bootstrap (Davison and Hinkley 1997, section 3.8). A resample
    draws the seeds with replacement and, independently, the units, once for all seeds, since a unit that is easy for
    one is easy for all (the pigeonhole bootstrap: Owen 2007, section 3). The percentiles are those of intervals without
    seeds (`bootstrap.tail`). Few seeds say little of how seeds differ: of S
    values, resampled variances are (S - 1) / S of the true one on average.

    Raises
    ------
    ValueError
        for fewer than two seeds.
    """
    if len(by_seed) < 2:
        raise ValueError(f"{len(by_seed)} seed(s); an interval over seeds needs two")
    units = sorted({unit for each in by_seed.values() for unit in each.numerator})
    above, below = (
        np.array([[part.get(unit, 0.0) for unit in units] for part in parts])
        for parts in ([each.numerator for each in by_seed.values()], [each.denominator for each in by_seed.values()])
    )
    scores = score(above.sum(1) / below.sum(1))
    draws = seeded_numpy(seed, "seeds")
    means = []
    for _ in range(RESAMPLES // _AT_ONCE):
        seeds = draws.multinomial(len(by_seed), np.full(len(by_seed), 1 / len(by_seed)), _AT_ONCE)
        drawn = draws.multinomial(len(units), np.full(len(units), 1 / len(units)), _AT_ONCE)
        resampled = score((drawn @ above.T) / np.maximum(drawn @ below.T, 1e-12))
        means.append((seeds * resampled).sum(1) / len(by_seed))
    beyond = tail(len(units)) if len(units) > 1 else 0.0  # a single unit says nothing of how units differ
    low, high = np.quantile(np.concatenate(means), [beyond, 1 - beyond])
    return OverSeeds(float(scores.mean()), float(scores.std(ddof=1)), float(low), float(high))
