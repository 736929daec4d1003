import math

import pytest

from attune.evaluation.seeds import generator_record, ranking_records
from attune.metrics.ratio import Ratio

TUNED = {13: Ratio.mean({"a": 0.5, "b": 1.0}), 14: Ratio.mean({"a": 0.25, "b": 0.5})}
ATTUNE = {
    seed: Ratio.mean({unit: value + 0.25 for unit, value in each.numerator.items()}) for seed, each in TUNED.items()
}


def test_recipes_and_their_differences_are_means_over_seeds() -> None:
    tuned, attune, gain = ranking_records({"tuned": TUNED, "attune": ATTUNE}, "happy", seed=1)
    assert (tuned["model"], tuned["domain"], tuned["score"]) == ("tuned", "happy", "mrr")
    assert tuned["by_seed"] == {"13": 0.75, "14": 0.375}
    assert (tuned["mean"], tuned["sd"]) == (0.5625, pytest.approx(0.375 / math.sqrt(2), abs=1e-6))
    assert attune["mean"] == 0.8125
    assert (gain["before"], gain["after"]) == ("tuned", "attune")
    # The same in every seed and context, so that neither adds to its interval.
    assert (gain["mean"], gain["sd"], gain["low"], gain["high"]) == (0.25, 0, 0.25, 0.25)


def test_a_generator_s_score_is_its_perplexity() -> None:
    nats = {seed: Ratio.of([("c", 4.0 * seed / 13, 2.0), ("d", 2.0, 1.0)]) for seed in (13, 26)}
    record = generator_record("full", nats, seed=1)
    assert record["by_seed"] == {"13": round(math.exp(2), 6), "26": round(math.exp(10 / 3), 6)}
    assert record["mean"] == pytest.approx((math.exp(2) + math.exp(10 / 3)) / 2, abs=1e-5)
