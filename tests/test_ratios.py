import random

import numpy as np
import pytest
import scipy.stats

from attune.ratios import Ratio, compare, interval


def ratio(seed: int, shift: float = 0.0, count: int = 60) -> Ratio:
    """Nats over tokens of as many conversations, of other lengths each."""
    draws = random.Random(seed)
    sizes = [random.Random(number).randint(3, 30) for number in range(count)]
    return Ratio.of((f"c{at}", size * (3 + shift + draws.gauss(0, 1)), size) for at, size in enumerate(sizes))


def test_the_score_weighs_by_what_is_under() -> None:
    assert Ratio.of([("a", 2.0, 1.0), ("b", 1.0, 3.0), ("a", 3.0, 2.0)]).value == 1.0


def test_the_interval_is_scipy_s() -> None:
    given = ratio(1)
    table = given.table()
    oracle = scipy.stats.bootstrap(
        (table[:, 0], table[:, 1]),
        lambda over, under, axis: over.sum(axis) / under.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=20_000,
        random_state=1,
    ).confidence_interval
    low, high = interval(given, seed=3)
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.02)
    assert low < given.value < high


def test_p_is_small_for_a_difference_and_one_for_none() -> None:
    before = ratio(1)
    better = Ratio({name: over - 0.3 * before.under[name] for name, over in before.over.items()}, before.under)
    found = compare(before, better, seed=1)
    assert found["difference"] == pytest.approx(-0.3)
    assert found["low"] == pytest.approx(-0.3)
    assert found["p"] < 0.001
    assert compare(before, before, seed=1) == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_p_is_uniform_where_there_is_no_difference() -> None:
    small = np.mean([compare(ratio(seed, count=30), ratio(seed + 1000, count=30), 1)["p"] < 0.1 for seed in range(200)])
    assert 0.04 < small < 0.17


def test_other_conversations_are_refused() -> None:
    with pytest.raises(ValueError, match="same conversations"):
        compare(ratio(1, count=5), ratio(1, count=6), seed=1)
