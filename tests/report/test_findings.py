from typing import Any

import pandas as pd

from attune.evaluation.tables import tidy
from attune.report.findings import about_decoding, about_pairs, about_passages, about_ranking

REAL = {"difference": 0.055, "low": 0.029, "high": 0.081, "p": 0.0002, "p_holm": 0.0004}
NOISE = {"difference": 0.01, "low": -0.03, "high": 0.05, "p": 0.64, "p_holm": 1.0}
WORSE = {"difference": -0.2, "low": -0.3, "high": -0.1, "p": 0.01, "p_holm": 0.03}


def record(before: str, after: str, score: str, test: dict[str, float], **place: str) -> dict[str, Any]:
    return {**place, "before": before, "after": after, "score": score, "effect": 0.5, "family": "recipes", **test}


def ranked(subset: str, **domains: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame([record("a", "b", "mrr", test, subset=subset, domain=name) for name, test in domains.items()])


def test_a_difference_comes_with_its_interval_and_the_domains_that_show_it() -> None:
    assert about_ranking(ranked("large", mean=REAL, happy=REAL, all=NOISE), ["a", "b"]) == [
        "large subset: b is better than a by 0.055 MRR (95 % interval +0.029 to +0.081, p = 0.0002, corrected 0.0004). "
        "Of the 2 domains, it is significantly better in 1 and significantly worse in 0."
    ]


def test_what_may_be_noise_is_called_no_difference() -> None:
    (line,) = about_ranking(ranked("small", mean=NOISE, all=WORSE), ["a", "b"])
    assert line.startswith(
        "small subset: b and a do not differ significantly in MRR "
        "(95 % interval -0.030 to +0.050, p = 0.6400, corrected 1.0000)."
    )
    assert line.endswith("significantly better in 0 and significantly worse in 1.")


def test_a_difference_that_does_not_survive_correction_is_said_to_be_one_alone() -> None:
    (line,) = about_pairs(pd.DataFrame([record("a", "b", "mrr", REAL | {"p_holm": 0.06})]))
    assert line == (
        "b and a, taken alone, differ significantly in MRR, but not once all comparisons of its family are counted "
        "(95 % interval +0.029 to +0.081, p = 0.0002, corrected 0.0600)."
    )


def test_too_few_examples_have_no_interval() -> None:
    (line,) = about_pairs(pd.DataFrame([record("a", "b", "mrr", NOISE | {"low": None, "high": None})]))
    assert "(95 % interval none, for too few examples, p = 0.6400, corrected 1.0000)" in line


def test_less_loss_is_better_and_less_similarity_worse() -> None:
    tests = [
        record("base of g", "g", "loss", WORSE),
        record("g", "g+rag", "loss", NOISE),
        record("g", "g+rag", "similarity", WORSE),
    ]
    assert about_pairs(pd.DataFrame(tests)) == [
        "g is better than base of g by 0.200 nats per token "
        "(95 % interval -0.300 to -0.100, p = 0.0100, corrected 0.0300); its "
        "perplexity is 0.82 times that of base of g.",
        "g+rag and g do not differ significantly in nats per token "
        "(95 % interval -0.030 to +0.050, p = 0.6400, corrected 1.0000).",
        "g+rag is worse than g by 0.200 similarity to the target "
        "(95 % interval -0.300 to -0.100, p = 0.0100, corrected 0.0300).",
    ]


def test_names_with_a_to_in_them_stay_whole() -> None:
    (line,) = about_pairs(pd.DataFrame([record("from a to b", "c", "mrr", REAL)]))
    assert line.startswith("c is better than from a to b by 0.055 MRR")


def likeness(similarity: float, like: float) -> dict[str, float]:
    return {"passage_similarity": similarity, "passage_like_target": like}


PASSAGES = tidy({"r+rag": likeness(0.3, 0.1), "r+oracle_rag": likeness(0.6, 0.86)}, ["system"])


def passages(retrieved: dict[str, float], oracle: dict[str, float]) -> list[str]:
    tests = [
        record("full", "r+rag", "loss", retrieved),
        record("r", "r+rag", "loss", WORSE),
        record("full", "r+oracle_rag", "loss", oracle),
    ]
    return about_passages(PASSAGES, pd.DataFrame(tests), "r", "full")


def test_whether_passages_help_comes_with_its_reason() -> None:
    help_, what, could, reason = passages(NOISE, WORSE)
    assert help_.startswith("Retrieved passages neither help nor harm significantly: r+rag and full do not differ")
    assert "mean similarity 0.300 to the target, and 10 % of prompts have one that is like it (cosine of at" in what
    assert "mean similarity 0.600" in could
    assert "86 % of prompts" in could
    assert "r+oracle_rag is better than full by 0.200 nats per token" in could
    assert reason == (
        "So it is the retrieval that limits it: passages like the target would help, but they are seldom retrieved."
    )


def test_the_reason_follows_from_the_tests() -> None:
    assert passages(WORSE, WORSE)[0].startswith("Retrieved passages help: r+rag is better than full")
    assert passages(REAL, NOISE)[0].startswith("Retrieved passages harm: r+rag is worse than full")
    assert passages(WORSE, WORSE)[-1].startswith("So passages are worth retrieving")
    for oracle in (NOISE, REAL):
        assert passages(NOISE, oracle)[-1].startswith("So retrieval is not what limits it")


def test_the_best_point_of_the_sweep_is_said_with_its_reason() -> None:
    scores = {"similarity": 0.4, "replies_repeated_3grams": 0.04}
    table = tidy({"g": {"a": scores, "b": scores}, "h": {"a": scores | {"similarity": 0.5}}}, ["generator", "point"])
    line = about_decoding(table, "a")
    assert line.startswith("Best is a (temperature/top_k/top_p): of the points whose replies repeat at most 5 % of ")
    assert line.endswith("(similarity 0.450, 4.0 % repeated trigrams, means over g and h).")
    repeating = tidy({"g": {"a": scores | {"replies_repeated_3grams": 0.06}}}, ["generator", "point"])
    assert about_decoding(repeating, "a").startswith("At every point, replies repeat more than 5 % of their trigrams;")
