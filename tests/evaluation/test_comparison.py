import pytest

from attune.evaluation.comparison import Comparison, corrected, records, table
from attune.metrics.bootstrap import PairedTest

TEST = PairedTest(difference=0.12345678, low=-0.1, high=0.3, p=0.0123456789, effect=0.41234567)


def of(test: PairedTest, family: str = "recipes") -> Comparison:
    return Comparison.of("bm25", "tuned", "mrr", test, family)


def test_a_comparison_is_its_rounded_test() -> None:
    assert of(TEST) == Comparison(
        "bm25", "tuned", "mrr", difference=0.123457, low=-0.1, high=0.3, p=0.012346, effect=0.412346, family="recipes"
    )


def test_a_bound_beside_zero_is_not_rounded_onto_it() -> None:
    """With p below .05 an interval that ends at 0 would contradict it."""
    assert of(PairedTest(0.1, low=3e-8, high=0.2, p=0.049, effect=0.4)).low == 1e-6
    assert of(PairedTest(-0.1, low=-0.2, high=-3e-8, p=0.049, effect=-0.4)).high == -1e-6
    assert of(PairedTest(0.1, low=0.0, high=0.2, p=0.05, effect=0.4)).low == 0.0


def test_infinite_bounds_are_none() -> None:
    unbounded = of(PairedTest(0.1, low=float("-inf"), high=float("inf"), p=0.25, effect=None))
    assert (unbounded.low, unbounded.high, unbounded.effect) == (None, None, None)


def test_records_begin_with_what_they_are_about() -> None:
    (record,) = corrected(records([of(TEST)], domain="happy"))
    assert list(record) == [
        "domain", "before", "after", "score", "difference", "low", "high", "p", "effect", "family", "p_holm",
    ]  # fmt: skip
    assert table([record]).to_dict("records") == [record]


def test_p_is_corrected_within_its_family_in_the_order_of_the_records() -> None:
    rows = [
        {"family": family, "p": p}
        for family, p in (("recipes", 0.03), ("persona sentences", 0.03), ("recipes", 0.01), ("recipes", 0.5))
    ]
    assert [row["p_holm"] for row in corrected(rows)] == [0.06, 0.03, 0.03, 0.5]


def test_a_family_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'other' is no family of comparisons; describe it in"):
        corrected([{"family": "other", "p": 0.1}])
