from attune.evaluation.comparison import Comparison, records, table
from attune.metrics.bootstrap import PairedTest

TEST = PairedTest(difference=0.12345678, low=-0.1, high=0.3, p=0.0123456789)


def test_a_comparison_is_its_rounded_test() -> None:
    assert Comparison.of("bm25", "tuned", "mrr", TEST) == Comparison(
        "bm25", "tuned", "mrr", difference=0.123457, low=-0.1, high=0.3, p=0.012346
    )


def test_records_begin_with_what_they_are_about() -> None:
    (record,) = records([Comparison.of("bm25", "tuned", "mrr", TEST)], domain="happy")
    assert list(record) == ["domain", "before", "after", "score", "difference", "low", "high", "p"]
    assert table([record]).to_dict("records") == [record]
