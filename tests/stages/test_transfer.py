import shutil
from pathlib import Path

import pytest

from attune.files import read_json
from stages import evaluate_cobert, transfer
from tests.stages.cobert_project import project, train
from tests.test_parameters import changed


def test_each_model_is_tested_on_each_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    shutil.copytree("pec/small/happy", "pec/small/all")
    shutil.copy("pec/candidates/happy.parquet", "pec/candidates/all.parquet")
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("transfer.recipe", "tuned"), ("retrieval.recipe", "tuned"),
        ("rag.recipe", "tuned"),
    )  # fmt: skip
    train("tuned")
    shutil.copytree("models/tuned-small-happy", "models/tuned-small-all")
    transfer.main("pec", "models", "transfer.json")
    evaluate_cobert.main("recipes", "encoder", "pec", "models", "m.json", "i.json", "t.json", "ranks.parquet")
    found = read_json(Path("transfer.json"))
    assert set(found) == set(found["all"]) == {"happy", "all"}
    for trained in found.values():  # the same model and the same test contexts twice
        for tested, scores in trained.items():
            assert scores["mrr"] == read_json(Path("i.json"))["small"][tested]["tuned"]["mrr"]
            assert scores["mrr_low"] < scores["mrr"] < scores["mrr_high"]
