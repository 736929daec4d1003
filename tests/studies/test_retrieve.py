from pathlib import Path

import pytest

from attune.core.files import read_json, sha256
from stages import base_models
from studies import retrieve
from tests.project import changed
from tests.stages.cobert_project import project, train_once


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    train_once("tuned")
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.recipes", ["tuned"]),
        ("retrieval.recipe", "tuned"), ("retrieval.shortlist", 5), ("transfer.recipe", "tuned"),
        ("rag.recipe", "tuned"),
    )  # fmt: skip
    base_models.main(name="embedder", target=Path("embedder"))


@pytest.mark.usefixtures("trained")
def test_the_stage_writes_the_same_twice() -> None:
    for target in ("one", "two"):
        retrieve.main(
            processed=Path("pec"), models=Path("models"), embedder=Path("embedder"), scores=Path(f"{target}.json")
        )
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    found = read_json(Path("one.json"))["happy"]
    assert found["replies"] == 16
    assert 0 < found["mrr_reranked"] <= found["recall"] <= 1
    for score in ("recall", "mrr_index", "mrr_reranked"):
        assert 0 <= found[f"{score}_low"] <= found[score] <= found[f"{score}_high"] <= 1


@pytest.mark.usefixtures("trained")
def test_the_contexts_are_those_that_models_are_ranked_on() -> None:
    Path("pec/small/happy/test.parquet").unlink()
    retrieve.main(processed=Path("pec"), models=Path("models"), embedder=Path("embedder"), scores=Path("one.json"))
    assert read_json(Path("one.json"))["happy"]["replies"] == 16
