import random
from itertools import combinations

import pytest

from attune.metrics.multiplicity import holm


def test_adjusted_p_are_those_worked_out_by_hand() -> None:
    """Sorted: .01 * 4, then .02 * 3, then the larger of .04 * 2 and what came before, then .045."""
    assert holm([0.04, 0.01, 0.045, 0.02]) == pytest.approx([0.08, 0.04, 0.08, 0.06])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_is_the_closed_testing_of_bonferroni() -> None:
    """An adjusted p is the largest Bonferroni p of all subsets of the tests that hold it (Marcus et al. 1976)."""
    draws = random.Random(2)
    for size in (1, 2, 5, 8):
        ps = [round(draws.random() ** 3, 2) for _ in range(size)]  # with ties
        subsets = [each for count in range(1, size + 1) for each in combinations(range(size), count)]
        closed = [
            max(min(1.0, len(each) * min(ps[other] for other in each)) for each in subsets if at in each)
            for at in range(size)
        ]
        assert holm(ps) == pytest.approx(closed)


def test_a_false_rejection_among_many_tests_is_as_rare_as_one_of_a_single_test() -> None:
    draws = random.Random(3)
    false = sum(min(holm([draws.random() for _ in range(20)])) < 0.05 for _ in range(2000))
    assert 0.03 < false / 2000 < 0.07
