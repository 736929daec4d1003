from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import write_json
from attune.report.results import Results
from attune.report.studies_overview import bank, transfer, without_training
from tests.project import changed

BETTER = {"difference": 0.1, "low": 0.05, "high": 0.2, "p_holm": 0.01}
WORSE = {"difference": -0.1, "low": -0.2, "high": -0.05, "p_holm": 0.01}
NEITHER = {"difference": 0.01, "low": -0.1, "high": 0.1, "p_holm": 0.9}


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ((BETTER, BETTER), "tuned is better than all 2 ways to match without training (MRR, large subset, mean of"),
        ((BETTER, NEITHER), "tuned is better than 1 of 2 ways to match without training and worse than none of them ("),
        (
            (NEITHER, NEITHER),
            "No difference was found between tuned and any of 2 ways to match without training (MRR, large "
            "subset, mean of domains). The difference from the best of them, TF-IDF of the context, is +0.010 (95 %",
        ),
        ((WORSE, NEITHER), "tuned is better than none of 2 ways to match without training and worse than 1 of them ("),
    ],
)
def test_ways_that_a_recipe_beats_are_counted(tmp_path: Path, tests: tuple[dict[str, float], ...], told: str) -> None:
    assert without_training(matched(tmp_path, tests)).startswith(told)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (BETTER, " tuned is better than tuned before training (0.250)."),
        (NEITHER, " Against tuned before training (0.250): no difference found."),
        (WORSE, " tuned is worse than tuned before training (0.250)."),
    ],
)
def test_what_a_recipe_starts_from_is_told_beside_the_ways(tmp_path: Path, test: dict[str, float], told: str) -> None:
    assert without_training(matched(tmp_path, (BETTER, BETTER), test)).endswith(told)


def test_a_single_domain_is_no_mean(tmp_path: Path) -> None:
    alone = ("cobert.domains", ["happy"]), ("compare.domains", ["happy"])
    assert "(MRR, large subset, domain happy)" in without_training(matched(tmp_path, (BETTER, BETTER), BETTER, *alone))


def matched(
    folder: Path, tests: tuple[dict[str, float], ...], own: dict[str, float] = NEITHER, *changes: Any
) -> Results:
    """The results of these tests of tuned against ways without training, and of its own before training."""
    where = {"after": "tuned", "domain": "mean", "score": "mrr", "effect": 0.1, "p": 0.01}
    ways = [
        where | test | {"before": before, "family": "ways without training"}
        for before, test in zip(("tfidf", "bm25"), tests, strict=True)
    ]
    start = where | own | {"before": "tuned before training", "family": "what training adds"}
    write_json(folder / "compare_tests.json", [*ways, start])
    write_json(folder / "compare.json", {"mean": {"tuned before training": {"mrr": 0.25}}})
    return Results(parameters.load(changed(folder, *changes)), metrics=folder)


def test_the_range_of_what_models_of_other_domains_differ_by_is_told(tmp_path: Path) -> None:
    domains = ("all", "happy", "offmychest")
    elsewhere = iter((0.4, 0.4, 0.4, 0.4, 0.6, 0.5))
    scores = {
        trained: {tested: {"mrr": 0.5 if trained == tested else next(elsewhere)} for tested in domains}
        for trained in domains
    }
    write_json(tmp_path / "transfer.json", scores)
    results = Results(parameters.load(changed(tmp_path, ("transfer.recipe", "tuned"))), metrics=tmp_path)
    assert transfer(results).startswith(
        "Transfer of tuned: on a domain other than its own, a model's MRR differs by −0.100 to +0.100 from that of the "
        "model that was trained on it (6 pairs; whether they differ is not tested)."
    )


@pytest.mark.parametrize(
    ("recall", "told"),
    [
        ({"all": 0.43}, ("in 43 % of the contexts", "0.200 in tuned's (untested; their intervals are below).")),
        ({"all": 0.43, "happy": 0.5}, ("in 43 to 50 % of the contexts", "tuned's (means of the domains, untested;")),
    ],
)
def test_one_domain_has_one_share_and_no_mean(tmp_path: Path, recall: dict[str, float], told: tuple[str, str]) -> None:
    rest = {"replies": 300, "mrr_index": 0.1, "mrr_reranked": 0.2}
    write_json(tmp_path / "retrieval.json", {domain: {"recall": each, **rest} for domain, each in recall.items()})
    line = bank(Results(parameters.load(changed(tmp_path, ("retrieval.recipe", "tuned"))), metrics=tmp_path))
    assert all(each in line for each in told)
