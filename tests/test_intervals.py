import random

import numpy as np
import pytest
import scipy.stats

from attune.intervals import compare, interval, mean, with_intervals


def values(seed: int, count: int, shift: float = 0.0) -> dict[str, float]:
    draws = random.Random(seed)
    return {f"id{number}": draws.gauss(shift, 1.0) for number in range(count)}


def test_the_interval_is_scipy_s() -> None:
    given = values(1, 80)
    low, high = interval([given], seed=3)
    oracle = scipy.stats.bootstrap(
        (list(given.values()),), np.mean, method="percentile", n_resamples=20_000, random_state=1
    ).confidence_interval
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.02)
    assert low < mean([given]) < high


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        low, high = interval([values(seed, 60)], seed=1)
        covered += low <= 0 <= high
    assert 0.89 < covered / 200 < 0.99


def test_the_paired_test_is_scipy_s() -> None:
    before = values(2, 40)
    after = {name: value + 0.3 + random.Random(name).gauss(0, 1) for name, value in before.items()}
    found = compare([before], [after], seed=1)
    differences = [after[name] - before[name] for name in before]
    oracle = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, random_state=1
    ).pvalue
    assert found["p"] == pytest.approx(oracle, abs=0.015)
    assert found["difference"] == pytest.approx(np.mean(differences))
    assert found["low"] < found["difference"] < found["high"]


def test_p_is_small_for_a_difference_and_one_for_none() -> None:
    before = values(3, 50)
    assert compare([before], [{name: value + 1 for name, value in before.items()}], seed=1)["p"] < 0.001
    assert compare([before], [before], seed=1) == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_p_is_uniform_where_there_is_no_difference() -> None:
    small = 0
    for seed in range(200):
        small += compare([values(seed, 30)], [values(seed + 1000, 30)], seed=1)["p"] < 0.1
    assert 0.04 < small / 200 < 0.17


def test_shared_examples_are_drawn_together() -> None:
    """Two domains of the same examples say no more than one: the interval of their mean is the one's."""
    given = values(4, 50)
    assert interval([given, given], seed=1) == pytest.approx(interval([given], seed=1))
    apart = {f"other {name}": value for name, value in given.items()}
    low, high = interval([given, apart], seed=1)
    alone = interval([given], seed=1)
    assert (high - low) < 0.8 * (alone[1] - alone[0])


def test_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="same examples"):
        compare([values(1, 5)], [values(1, 6)], seed=1)


def test_scores_stand_beside_their_intervals() -> None:
    found = with_intervals({"mrr": [values(5, 20)]}, seed=1)
    assert list(found) == ["mrr", "mrr_low", "mrr_high"]
    assert found["mrr_low"] < found["mrr"] < found["mrr_high"]
