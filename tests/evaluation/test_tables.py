import json

from attune.evaluation.tables import nested, tidy

SCORES = {
    "happy": {"tuned": {"mrr": 0.5, "mrr_low": 0.4, "mrr_high": 0.6, "count": 3.0}},
    "mean": {"tuned": {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.3, "count": 3.0}},
}


def test_a_table_is_written_and_read_the_same() -> None:
    table = tidy(json.loads(json.dumps(SCORES)), ["domain", "model"])
    assert list(table.columns) == ["domain", "model", "score", "value", "low", "high"]
    assert table.iloc[0].tolist()[:6] == ["happy", "tuned", "mrr", 0.5, 0.4, 0.6]
    assert len(table) == 4
    assert nested(table, ["domain", "model"]) == SCORES


def test_bounds_that_are_nowhere_are_no_numbers() -> None:
    table = tidy({"tuned": {"mrr": 0.5}}, ["model"])
    assert table["low"].dtype == table["high"].dtype == float
    assert table[["low", "high"]].isna().all(axis=None)


def test_intervals_can_be_left_out() -> None:
    table = tidy(SCORES, ["domain", "model"])
    assert nested(table, ["domain", "model"], intervals=False) == {
        "happy": {"tuned": {"mrr": 0.5, "count": 3.0}},
        "mean": {"tuned": {"mrr": 0.25, "count": 3.0}},
    }


def test_a_score_that_is_called_like_a_bound_is_one_where_nothing_has_that_bound() -> None:
    table = tidy({"a": {"how_low": 0.5, "mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.3}}, ["model"])
    assert table["score"].tolist() == ["how_low", "mrr"]
