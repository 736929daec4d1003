from typing import Any

import pandas as pd

from attune.report.findings import about_pairs, about_ranking

REAL = {"difference": 0.055, "low": 0.029, "high": 0.081, "p": 0.0002}
NOISE = {"difference": 0.01, "low": -0.03, "high": 0.05, "p": 0.64}
WORSE = {"difference": -0.2, "low": -0.3, "high": -0.1, "p": 0.01}


def record(before: str, after: str, score: str, test: dict[str, float], **place: str) -> dict[str, Any]:
    return {**place, "before": before, "after": after, "score": score, **test}


def ranked(subset: str, **domains: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame([record("a", "b", "mrr", test, subset=subset, domain=name) for name, test in domains.items()])


def test_a_difference_comes_with_its_interval_and_the_domains_that_show_it() -> None:
    assert about_ranking(ranked("large", mean=REAL, happy=REAL, all=NOISE), ["a", "b"]) == [
        "large subset: b is better than a by 0.055 MRR (95 % interval +0.029 to +0.081, p = 0.0002). Of the 2 domains, "
        "it is significantly better in 1 and significantly worse in 0."
    ]


def test_what_may_be_noise_is_called_no_difference() -> None:
    (line,) = about_ranking(ranked("small", mean=NOISE, all=WORSE), ["a", "b"])
    assert line.startswith(
        "small subset: b and a do not differ significantly in MRR (95 % interval -0.030 to +0.050, p = 0.6400)."
    )
    assert line.endswith("significantly better in 0 and significantly worse in 1.")


def test_less_loss_is_better_and_less_similarity_worse() -> None:
    tests = [
        record("base of g", "g", "loss", WORSE),
        record("g", "g+rag", "loss", NOISE),
        record("g", "g+rag", "similarity", WORSE),
    ]
    assert about_pairs(pd.DataFrame(tests)) == [
        "g is better than base of g by 0.200 nats per token (95 % interval -0.300 to -0.100, p = 0.0100); its "
        "perplexity is 0.82 times that of base of g.",
        "g+rag and g do not differ significantly in nats per token (95 % interval -0.030 to +0.050, p = 0.6400).",
        "g+rag is worse than g by 0.200 similarity to the target (95 % interval -0.300 to -0.100, p = 0.0100).",
    ]


def test_names_with_a_to_in_them_stay_whole() -> None:
    (line,) = about_pairs(pd.DataFrame([record("from a to b", "c", "mrr", REAL)]))
    assert line.startswith("c is better than from a to b by 0.055 MRR")
