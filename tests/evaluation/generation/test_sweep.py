from statistics import fmean
from typing import Any

import pandas as pd
import pytest

from attune.evaluation.generation.summary import Score
from attune.evaluation.generation.sweep import best_point, sweep_scores


def row(at: int, reply: str, similarity: float) -> dict[str, Any]:
    texts = {"id": f"c{at}", "conversation": f"c{at}", "cluster": "", "prompt": "Hm.", "target": "Oh.", "reply": reply}
    return texts | {"truncated": False, "similarity": similarity}


def best(points: dict[tuple[str, str], tuple[list[float], float]]) -> str:
    """The best of the points, each with its replies' similarities and the share of their trigrams that they repeat."""
    rows = {place: [row(at, "Hm.", each) for at, each in enumerate(values)] for place, (values, _) in points.items()}
    groups = {
        place: [Score("similarity", fmean(values)), Score("replies_repeated_3grams", repeated)]
        for place, (values, repeated) in points.items()
    }
    return best_point(rows, groups)


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
    points = {
        ("g", "a"): ([0.9, 0.9], 0.0), ("g", "b"): ([0.7, 0.7], 0.0),
        ("h", "a"): ([0.2, 0.2], 0.0), ("h", "b"): ([0.6, 0.6], 0.0),
    }  # fmt: skip
    assert best(points | {("g", "a"): ([0.5, 0.5], 0.0)}) == "b"


def test_a_point_within_a_standard_error_of_the_most_similar_one_is_as_good_and_the_first_such_is_taken() -> None:
    top = ("g", "c"), ([0.6, 0.4, 0.6, 0.4], 0.0)
    assert best({("g", "a"): ([0.1] * 4, 0.0), ("g", "b"): ([0.4, 0.5, 0.5, 0.5], 0.0), top[0]: top[1]}) == "b"
    assert best({("g", "a"): ([0.1] * 4, 0.0), ("g", "b"): ([0.5, 0.3, 0.5, 0.3], 0.0), top[0]: top[1]}) == "c"


@pytest.mark.parametrize(("lacking", "found"), [(0.0365, "a"), (0.039, "b")])
def test_generators_that_answer_the_same_prompts_tell_no_more_than_one_of_them(lacking: float, found: str) -> None:
    """Point a lacks as much in the mean of eight prompts, by .1 more or less each: sqrt(8/7) * .1 / sqrt(8) = .0378.

    Twice the same replies would have a smaller standard error, were they taken for other prompts.
    """
    values = {"a": [0.5 - lacking + each for each in (0.1, -0.1) * 4], "b": [0.5] * 8}
    one = {("g", point): (each, 0.0) for point, each in values.items()}
    two = one | {("h", point): (each, 0.0) for point, each in values.items()}
    assert best(one) == best(two) == found


def test_a_point_whose_replies_repeat_themselves_is_not_the_best() -> None:
    assert best({("g", "a"): ([0.9], 0.06), ("g", "b"): ([0.2], 0.05), ("g", "c"): ([0.1], 0.0)}) == "b"
    assert best({("g", "a"): ([0.9], 0.8), ("g", "b"): ([0.2], 0.7)}) == "b"


def test_each_generator_counts_alike_however_many_prompts_it_answers() -> None:
    """Of eight replies those at a are more similar, of the two generators' means those at b."""
    points = {
        ("g", "a"): ([0.9] * 6, 0.0), ("g", "b"): ([0.8] * 6, 0.0),
        ("h", "a"): ([0.2] * 2, 0.0), ("h", "b"): ([0.4] * 2, 0.0),
    }  # fmt: skip
    assert best(points) == "b"


def test_prompts_of_one_conversation_are_one_unit_of_the_standard_error() -> None:
    """Point a lacks 0.06 in the mean over twelve prompts: more than their standard error, less than that of four."""
    lacks = [0.3, -0.18, 0.06, 0.06]
    rows = {
        ("g", point): [row(at, "Hm.", 0.5 - (lacks[at // 3] if point == "a" else 0)) for at in range(12)]
        for point in "ab"
    }
    groups = {
        place: [Score("similarity", fmean(each["similarity"] for each in every)), Score("replies_repeated_3grams", 0.0)]
        for place, every in rows.items()
    }
    together = {
        place: [each | {"conversation": f"c{at // 3}"} for at, each in enumerate(every)]
        for place, every in rows.items()
    }
    assert (best_point(rows, groups), best_point(together, groups)) == ("b", "a")
