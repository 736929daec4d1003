from pathlib import Path

import pytest

from attune.core.files import read_json
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
    assert found["happy"]["tuned, none"]["loss"] != found["happy"]["tuned, own"]["loss"]
    tests = [row for row in read_json(Path("tests.json")) if row["domain"] == "mean"]
    assert [(row["before"], row["after"]) for row in tests] == [
        ("tuned, none", "tuned, own"),
        ("tuned, another's", "tuned, own"),
    ]
