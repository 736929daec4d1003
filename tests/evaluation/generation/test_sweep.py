import pandas as pd
import pytest

from attune.evaluation.generation.summary import Score
from attune.evaluation.generation.sweep import best_point, sweep_scores


def row(at: int, reply: str, similarity: float) -> dict[str, object]:
    texts = {"id": f"c{at}", "conversation": f"c{at}", "cluster": "", "prompt": "Hm.", "target": "Oh.", "reply": reply}
    return texts | {"truncated": False, "similarity": similarity}


def scores(similarity: float, repeated: float) -> list[Score]:
    return [Score("similarity", similarity), Score("replies_repeated_3grams", repeated)]


def test_each_point_has_its_scores_and_the_best_is_marked() -> None:
    same = [row(at, "Oh no.", 0.5) for at in range(6)]
    varied = [row(at, f"word{at} other{at}", 0.75) for at in range(6)]
    table = sweep_scores({("g", "0.1/5/0.99"): same, ("g", "0.9/30/0.95"): varied}, seed=1)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["generator", "point", "score", "value", "low", "high"]
    distinct = table[table["score"] == "distinct_1"].set_index("point")["value"]
    assert distinct.to_dict() == {"0.1/5/0.99": pytest.approx(1 / 6, abs=1e-4), "0.9/30/0.95": 1.0}
    best = table[table["score"] == "best"]
    assert best[["point", "value"]].to_dict("records") == [{"point": "0.9/30/0.95", "value": True}]


def test_the_best_point_is_the_most_similar_one_over_all_generators() -> None:
    groups = {
        ("g", "a"): scores(0.9, 0.0), ("g", "b"): scores(0.7, 0.0),
        ("h", "a"): scores(0.2, 0.0), ("h", "b"): scores(0.6, 0.0),
    }  # fmt: skip
    assert best_point(groups) == "b"


def test_a_point_whose_replies_repeat_themselves_is_not_the_best() -> None:
    groups = {("g", "a"): scores(0.9, 0.06), ("g", "b"): scores(0.2, 0.05), ("g", "c"): scores(0.1, 0.0)}
    assert best_point(groups) == "b"
    assert best_point({("g", "a"): scores(0.9, 0.8), ("g", "b"): scores(0.2, 0.7)}) == "b"
