import pandas as pd

from benchmarks.draw import matching
from benchmarks.matching import measured
from benchmarks.tables import with_scores

RESULT = {
    "settings": {"domain": "all", "candidates": 100},
    "rows": [{"what": "tfidf", "seconds": 0.002}, {"what": "tuned", "seconds": 0.2}, {"what": "new", "seconds": 0.3}],
}
SCORES = {"all": {"tfidf": {"mrr": 0.1, "gflops": 0.0}, "tuned": {"mrr": 0.4}}, "mean": {}}


def test_ways_take_turns_and_each_context_counts_once_a_round() -> None:
    calls: list[str] = []
    ways = {name: [lambda name=name: calls.append(name)] * 2 for name in ("a", "b")}
    rows = measured(ways, rounds=3)
    assert calls == ["a", "a", "b", "b"] * 4  # one more round for warming up
    assert [row["what"] for row in rows] == ["a", "b"]
    assert all(0 <= row["lowest"] <= row["seconds"] <= row["highest"] for row in rows)


def test_scores_are_those_of_the_same_domain_and_may_be_missing() -> None:
    rows = with_scores(RESULT, SCORES)
    assert [(row["mrr"], row["gflops"]) for row in rows] == [(0.1, 0.0), (0.4, None), (None, None)]


def test_a_way_without_a_score_is_not_drawn() -> None:
    axes = matching(pd.DataFrame(with_scores(RESULT, SCORES)), ["tuned"], 100).axes[0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"TF-IDF of the context", "tuned"}
