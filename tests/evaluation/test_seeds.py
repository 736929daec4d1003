import math

import pytest

from attune.evaluation.seeds import generator_record, ranking_records
from attune.metrics.ratio import Ratio

TUNED = {13: Ratio.mean({"a": 0.5, "b": 1.0}), 14: Ratio.mean({"a": 0.25, "b": 0.5})}
ATTUNE = {
    seed: Ratio.mean({unit: value + 0.25 for unit, value in each.numerator.items()}) for seed, each in TUNED.items()
}


def test_recipes_and_their_differences_are_means_over_seeds() -> None:
    tuned, attune, gain = ranking_records({"tuned": {"mrr": TUNED}, "attune": {"mrr": ATTUNE}}, "happy", seed=1)
    assert (tuned["model"], tuned["domain"], tuned["score"]) == ("tuned", "happy", "mrr")
    assert tuned["by_seed"] == {"13": 0.75, "14": 0.375}
    assert (tuned["mean"], tuned["sd"]) == (0.5625, pytest.approx(0.375 / math.sqrt(2), abs=1e-6))
    assert attune["mean"] == 0.8125
    assert (gain["before"], gain["after"]) == ("tuned", "attune")
    # The same in every seed and context, so that neither adds to its interval.
    assert (gain["mean"], gain["sd"], gain["low"], gain["high"]) == (0.25, 0, 0.25, 0.25)


def test_the_interval_holds_those_by_both_kinds_of_units() -> None:
    """As the main job's do: few people who are answered say less than many who reply."""
    values = {f"u{at}": at / 40 for at in range(40)}
    few = {f"v{at // 10}": 0.0 for at in range(40)}
    for at, value in enumerate(values.values()):
        few[f"v{at // 10}"] += value
    by_responder = {seed: Ratio.mean(values) for seed in (13, 14)}
    by_partner = {seed: Ratio(few, dict.fromkeys(few, 10.0)) for seed in (13, 14)}
    alone = [ranking_records({"attune": {"mrr": each}}, "happy", seed=1)[0] for each in (by_responder, by_partner)]
    for first, second in ((by_responder, by_partner), (by_partner, by_responder)):
        (both,) = ranking_records({"attune": {"mrr": first, "mrr by partner": second}}, "happy", seed=1)
        assert (both["low"], both["high"]) == (alone[1]["low"], alone[1]["high"])
        assert both["low"] < alone[0]["low"] < alone[0]["high"] < both["high"]
        assert (both["mean"], both["by_seed"]) == (alone[0]["mean"], alone[0]["by_seed"])


def test_a_generator_s_score_is_its_perplexity() -> None:
    nats = {seed: Ratio.of([("c", 4.0 * seed / 13, 2.0), ("d", 2.0, 1.0)]) for seed in (13, 26)}
    record = generator_record("full", nats, seed=1)
    assert record["by_seed"] == {"13": round(math.exp(2), 6), "26": round(math.exp(10 / 3), 6)}
    assert record["mean"] == pytest.approx((math.exp(2) + math.exp(10 / 3)) / 2, abs=1e-5)
