import random
from statistics import fmean, stdev

import numpy as np
import pytest

from attune.metrics.bootstrap import interval
from attune.metrics.hierarchical import over_seeds
from attune.metrics.ratio import Ratio


def made(seeds: int, units: int, spread: float) -> dict[int, Ratio]:
    """Scores whose seeds differ by `spread`, of units that are as easy for one seed as for another."""
    draws = random.Random(5)
    easy = [draws.gauss(0, 1) for _ in range(units)]
    sizes = [draws.randint(1, 9) for _ in range(units)]
    return {
        seed: Ratio.of(
            (f"u{at}", sizes[at] * (shift + easy[at] + draws.gauss(0, 0.3)), sizes[at]) for at in range(units)
        )
        for seed, shift in ((seed, draws.gauss(0, spread)) for seed in range(seeds))
    }


def by_hand(by_seed: dict[int, Ratio], resamples: int) -> tuple[float, float]:
    """The percentiles of resampled means: seeds and units drawn one by one, units once for all seeds."""
    draws = random.Random(9)
    seeds, units = list(by_seed), list(by_seed[0].numerator)
    means = []
    for _ in range(resamples):
        drawn = draws.choices(units, k=len(units))
        means.append(
            fmean(
                sum(by_seed[seed].numerator[unit] for unit in drawn)
                / sum(by_seed[seed].denominator[unit] for unit in drawn)
                for seed in draws.choices(seeds, k=len(seeds))
            )
        )
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("spread", [0.05, 0.6])
def test_the_interval_is_that_of_a_hierarchical_bootstrap_by_hand(spread: float) -> None:
    by_seed = made(3, 25, spread)
    found = over_seeds(by_seed, seed=1)
    assert (found.low, found.high) == pytest.approx(by_hand(by_seed, 4000), abs=0.04)
    assert (found.low, found.high) != (over_seeds(by_seed, seed=2).low, over_seeds(by_seed, seed=2).high)
    scores = [each.value for each in by_seed.values()]
    assert found.mean == pytest.approx(fmean(scores))
    assert found.sd == pytest.approx(stdev(scores))


def test_seeds_that_agree_add_nothing_and_seeds_that_differ_do() -> None:
    (given, *_) = made(2, 60, 0.0).values()
    same = over_seeds({13: given, 14: given, 15: given}, seed=1)
    low, high = interval([given], seed=1)
    assert (same.low, same.high, same.sd) == pytest.approx((low, high, 0), abs=0.03)
    apart = {13 + at: Ratio({name: each + at * given.denominator[name] for name, each in given.numerator.items()},
                            given.denominator) for at in range(3)}  # fmt: skip
    assert over_seeds(apart, seed=1).high - over_seeds(apart, seed=1).low > 1.3 * (high - low)


@pytest.mark.parametrize(("seeds", "covered"), [(2, 0.5), (3, 0.75)])
def test_intervals_where_only_the_seed_matters_reach_from_the_lowest_to_the_highest(seeds: int, covered: float) -> None:
    """So they hold the true mean unless all seeds are on one side of it: 1 - 2 / 2^n, which the report says."""
    scores = {at: float(at * at) for at in range(seeds)}
    found = over_seeds({at: Ratio.mean(dict.fromkeys("abc", each)) for at, each in scores.items()}, seed=1)
    assert (found.low, found.high) == pytest.approx((min(scores.values()), max(scores.values())))
    assert 1 - 2 / 2**seeds == covered


def test_a_score_is_a_function_of_each_seed_s_ratio() -> None:
    by_seed = made(3, 30, 0.1)
    found = over_seeds(by_seed, seed=1, score=np.exp)
    assert found.mean == pytest.approx(fmean(np.exp(each.value) for each in by_seed.values()))
    assert found.low < found.mean < found.high


def test_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 seed\(s\); an interval over seeds needs two"):
        over_seeds(made(1, 5, 0.1), seed=1)


def test_one_unit_has_an_interval_over_seeds() -> None:
    found = over_seeds({seed: Ratio.mean({"a": value}) for seed, value in ((13, 0.25), (14, 0.5))}, seed=1)
    assert (found.low, found.mean, found.high) == (0.25, 0.375, 0.5)


def test_of_few_units_the_percentiles_are_as_far_out_as_without_seeds() -> None:
    (few, *_) = made(2, 6, 0.0).values()
    low, high = interval([few], seed=1)
    same = over_seeds({13: few, 14: few}, seed=1)
    assert same.high - same.low == pytest.approx(high - low, rel=0.05)
