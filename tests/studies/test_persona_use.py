import random
from pathlib import Path

import pytest

from attune.core.files import read_json, read_parquet, write_json, write_parquet
from attune.evaluation.ranking.evaluate import RankingTest
from attune.evaluation.testing.exchange import DRAWS
from attune.evaluation.testing.personas import exchanged, without
from attune.inference.ranker import Ranker
from attune.parameters import load
from studies.persona_use import main, write
from tests.cobert.tiny import WORDS
from tests.project import changed
from tests.stages.cobert_project import RECIPE, SCHEMAS, evaluate, pec_rows, project, train, train_once


def small_project(folder: Path, monkeypatch: pytest.MonkeyPatch, *recipes: str) -> None:
    """A project in `folder`, the working directory, with these recipes; `tuned` is among them."""
    project(folder, monkeypatch)
    changed(
        folder, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10),
        ("cobert.recipes", [*recipes]), ("retrieval.recipe", "tuned"), ("transfer.recipe", "tuned"),
        ("rag.recipe", "tuned"), ("compare.recipes", []),
    )  # fmt: skip


def used(name: str) -> tuple[dict, list]:
    """The scores and tests of the recipes in the working directory, whose ranks are in NAME.parquet."""
    main(
        ranks=Path(f"{name}.parquet"),
        processed=Path("pec"),
        models=Path("models"),
        scores=Path("use.json"),
        tests=Path("tests.json"),
    )
    return read_json(Path("use.json")), read_json(Path("tests.json"))


@pytest.mark.parametrize("told", [0, 12])
def test_contexts_without_a_persona_are_not_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: int) -> None:
    small_project(tmp_path, monkeypatch, "tuned")
    rows = pec_rows(16, "test")
    some = [row | ({} if at >= 16 - told else {"personas": []}) for at, row in enumerate(rows)]
    write_parquet(Path("pec/evaluate/small/happy.parquet"), some, SCHEMAS.rows)
    train_once("tuned")
    evaluate("ranks")
    scores, tests = used("ranks")
    if not told:
        assert (scores, tests) == ({}, [])
        return
    ranks = {row["id"]: row["rank"] for row in read_parquet(Path("ranks.parquet")) if row["model"] == "tuned"}
    own = [1 / ranks[row["id"]] for row in some if row["personas"]]
    assert scores["mean"]["tuned, own"]["mrr"] == pytest.approx(sum(own) / told, abs=1e-6)
    assert {(each["contexts"], each["contexts_without_persona"]) for each in scores["mean"].values()} == {(12, 4)}
    assert len(tests) == 4
    assert with_none(some) == pytest.approx(scores["happy"]["tuned, none"]["mrr"], abs=1e-6)


def with_none(rows: list[dict]) -> float:
    """The MRR of the contexts that have a persona when they are ranked without it."""
    settings = load(Path("params.yaml"))
    test = RankingTest.load(Path("pec"), "small", "happy", settings.cobert, settings.seed)
    ranked = test.rank(Ranker.from_pretrained("models/tuned-small-happy"), without(rows))
    ranks = [each["rank"] for each, row in zip(ranked, rows, strict=True) if row["personas"]]
    return sum(1 / rank for rank in ranks) / len(ranks)


def test_each_recipe_s_own_scores_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With none of the domain's and with another's persona, each against the responder's own, by the same recipe."""
    small_project(tmp_path, monkeypatch, "baseline", "tuned")
    draws, names = random.Random(1), ("own", "none", "another's")
    ranked = [
        {"domain": "happy", "model": f"{recipe}, {whose}", "id": str(at), "cluster": "", "partner": "",
         "rank": draws.randint(1, 9), "loss": draws.random()}
        for recipe in ("baseline", "tuned")
        for whose in names
        for at in range(20)
    ]  # fmt: skip
    write(ranked, load(Path("params.yaml")), Path("use.json"), Path("tests.json"), {"contexts_without_persona": 0})
    scores, tests = read_json(Path("use.json"))["happy"], read_json(Path("tests.json"))
    assert len({each["mrr"] for each in scores.values()}) == 6
    pairs = {(f"{recipe}, {whose}", f"{recipe}, own") for recipe in ("baseline", "tuned") for whose in names[1:]}
    assert {(row["before"], row["after"]) for row in tests} == pairs
    for row in (each for each in tests if each["score"] == "mrr"):
        assert row["difference"] == pytest.approx(scores[row["after"]]["mrr"] - scores[row["before"]]["mrr"], abs=2e-6)


def test_a_single_person_s_contexts_are_tested_without_their_persona_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_project(tmp_path, monkeypatch, "tuned")
    rows = [row | {"personas": ["i am ann ."]} for row in pec_rows(16, "test")]
    write_parquet(Path("pec/evaluate/small/happy.parquet"), rows, SCHEMAS.rows)
    train_once("tuned")
    evaluate("ranks")
    scores, tests = used("ranks")
    assert set(scores["mean"]) == {"tuned, own", "tuned, none"}
    assert {row["before"] for row in tests} == {"tuned, none"}


def test_a_recipe_that_reads_no_persona_is_not_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch, "baseline", "tuned")
    write_json(Path("recipes/baseline.json"), RECIPE | {"num_personas": 0})
    train("baseline")
    train_once("tuned")
    evaluate("ranks")
    scores, tests = used("ranks")
    assert set(scores["mean"]) == {"tuned, own", "tuned, none", "tuned, another's"}
    assert {row["after"] for row in tests} == {"tuned, own"}


def test_each_recipe_is_tested_with_whose_persona_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch, "tuned")
    draws = random.Random(1)
    rows = [row | {"personas": [" ".join(draws.sample(WORDS, 5))]} for row in pec_rows(16, "test")]
    write_parquet(Path("pec/evaluate/small/happy.parquet"), rows, SCHEMAS.rows)
    train_once("tuned")
    evaluate("ranks")
    found, tests = used("ranks")
    assert set(found) == {"happy", "mean"}
    assert set(found["mean"]) == {"tuned, own", "tuned, none", "tuned, another's"}
    assert found["happy"]["tuned, own"]["mrr"] == pytest.approx(
        read_json(Path("ranks.json"))["small"]["happy"]["tuned"]["mrr"]
    )
    settings = load(Path("params.yaml"))
    test = RankingTest.load(Path("pec"), "small", "happy", settings.cobert, settings.seed)
    ranker = Ranker.from_pretrained("models/tuned-small-happy")
    others = [exchanged(test.contexts, settings.seed, draw) for draw in range(DRAWS)]
    for whose, contexts in {"none": [without(test.contexts)], "another's": others}.items():
        ranks = [row["rank"] for each in contexts for row in test.rank(ranker, each)]
        mrr = sum(1 / rank for rank in ranks) / len(ranks)
        assert found["happy"][f"tuned, {whose}"]["mrr"] == pytest.approx(mrr, abs=1e-6)
    assert len({scores["mrr"] for scores in found["happy"].values()}) == 3
    assert [(row["before"], row["after"]) for row in tests if row["domain"] == "mean"] == [
        ("tuned, none", "tuned, own"),
        ("tuned, another's", "tuned, own"),
    ]
