from pathlib import Path

import pytest

from attune.core.files import read_json
from attune.evaluation.ranking.evaluate import RankingTest
from attune.evaluation.testing.personas import exchanged, without
from attune.inference.ranker import Ranker
from attune.parameters import load
from studies.persona_use import main
from tests.project import changed
from tests.stages.cobert_project import evaluate, project, train_once


def test_each_recipe_is_tested_with_whose_persona_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("retrieval.recipe", "tuned"), ("transfer.recipe", "tuned"),
        ("rag.recipe", "tuned"), ("compare.recipes", []),
    )  # fmt: skip
    train_once("tuned")
    evaluate("ranks")
    main(
        ranks=Path("ranks.parquet"),
        processed=Path("pec"),
        models=Path("models"),
        scores=Path("use.json"),
        tests=Path("tests.json"),
    )
    found = read_json(Path("use.json"))
    assert set(found) == {"happy", "mean"}
    assert set(found["mean"]) == {"tuned, own", "tuned, none", "tuned, another's"}
    assert found["happy"]["tuned, own"]["mrr"] == pytest.approx(
        read_json(Path("ranks.json"))["small"]["happy"]["tuned"]["mrr"]
    )
    settings = load(Path("params.yaml"))
    test = RankingTest.load(Path("pec"), "small", "happy", settings.cobert, settings.seed)
    ranker = Ranker.from_pretrained("models/tuned-small-happy")
    given = {"none": without(test.contexts), "another's": exchanged(test.contexts, settings.seed)}
    for whose, contexts in given.items():
        ranks = [row["rank"] for row in test.rank(ranker, contexts)]
        mrr = sum(1 / rank for rank in ranks) / len(ranks)
        assert found["happy"][f"tuned, {whose}"]["mrr"] == pytest.approx(mrr, abs=1e-6)
    assert len({scores["mrr"] for scores in found["happy"].values()}) == 3
    tests = [row for row in read_json(Path("tests.json")) if row["domain"] == "mean"]
    assert [(row["before"], row["after"]) for row in tests] == [
        ("tuned, none", "tuned, own"),
        ("tuned, another's", "tuned, own"),
    ]
