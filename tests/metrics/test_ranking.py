import math
import random

import pytest

from attune.metrics.ranking import by_metric, rank, ranked, ranking_scores


def test_ties_rank_last() -> None:
    assert rank([3.0, 1.0, 2.0], 0) == 1
    assert rank([2.0, 2.0, 3.0, 1.0], 0) == 3
    assert rank([2.0, math.nan, 1.0], 0) == 2  # what is no number is not below
    assert rank([math.nan, 2.0, 1.0], 0) == 3


def test_scores_by_hand() -> None:
    scores = ranking_scores([1, 2, 11, 50, 51])
    assert scores["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 11 + 1 / 50 + 1 / 51) / 5)
    assert (scores["r@1"], scores["r@10"], scores["r@50"]) == (0.2, 0.4, 0.8)


def test_scores_agree_with_ir_measures() -> None:
    import ir_measures
    from ir_measures import RR, R

    draws = random.Random(4)
    judgements, run, ranks = [], [], []
    for query in range(30):
        values = draws.sample(range(1000), 100)
        judgements.append(ir_measures.Qrel(str(query), "0", 1))
        run += [ir_measures.ScoredDoc(str(query), str(place), value) for place, value in enumerate(values)]
        ranks.append(rank(values, 0))
    oracle = ir_measures.calc_aggregate([RR, R @ 1, R @ 10, R @ 50], judgements, run)
    assert ranking_scores(ranks) == pytest.approx(
        {"mrr": oracle[RR], "r@1": oracle[R @ 1], "r@10": oracle[R @ 10], "r@50": oracle[R @ 50]}
    )


def test_of_tied_candidates_the_right_one_is_not_first() -> None:
    found = ranked([0.5, 0.5, 0.1], ["right", "as good", "worse"], logits=False)
    assert (found["rank"], found["response"], found["first"]) == (2, "right", "as good")


def test_values_by_example_make_the_scores() -> None:
    rows = [{"rank": 1, "loss": 0.5}, {"rank": 20, "loss": 1.5}]
    values = by_metric(rows)
    assert values["mrr"] == [1.0, 0.05]
    assert values["r@10"] == [1.0, 0.0]
    assert values["loss"] == [0.5, 1.5]
    assert "loss" not in by_metric([{"rank": 1, "loss": None}])
