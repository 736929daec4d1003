from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, sha256, write_json
from attune.evaluation.ranking.baselines import METHODS
from stages import base_models
from studies import compare
from tests.project import changed
from tests.stages.cobert_project import ENCODER, RECIPE, evaluate, project, train_once


def compare_all(name: str) -> None:
    compare.main(
        ranks=Path("ranks.parquet"),
        recipes=Path("recipes"),
        processed=Path("pec"),
        embedder=Path("embedder"),
        encoder=ENCODER,
        models=Path("models"),
        scores=Path(f"{name}.json"),
        tests=Path(f"{name}-tests.json"),
        rows=Path(f"{name}.parquet"),
    )


def test_every_way_to_match_stands_in_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10),
        ("compare.recipes", ["bi_encoder", "cross_encoder", "no_persona"]), ("compare.domains", ["happy"]),
    )  # fmt: skip
    for name, changes in (
        ("bi_encoder", {"matching": "bi_encoder", "extra_negatives": 4, "hard_negatives": 3}),
        ("cross_encoder", {"matching": "cross_encoder", "valid_candidates": 4}),
        ("no_persona", {"num_personas": 0}),
    ):
        write_json(Path(f"recipes/{name}.json"), RECIPE | changes)
        train_once(name)
    train_once("baseline")
    train_once("tuned")
    train_once("attune")
    base_models.main(name="embedder", target=Path("embedder"))
    evaluate("ranks")
    for target in ("one", "two"):
        compare_all(target)
    for suffix in ("json", "parquet"):
        assert sha256(Path(f"one.{suffix}")) == sha256(Path(f"two.{suffix}"))
    found = read_json(Path("one.json"))
    assert set(found) == {"happy", "mean"}
    trained = {"baseline", "tuned", "attune", "bi_encoder", "cross_encoder", "no_persona"}
    methods = {*METHODS, "untrained", *trained}
    assert set(found["happy"]) == methods
    for name, scores in found["happy"].items():
        assert scores["mrr_low"] <= scores["mrr"] <= scores["mrr_high"]
        assert ("loss" in scores) == (name not in METHODS)
        assert (scores["gflops"] > 0) == (name not in ("tfidf", "bm25"))
    cost = {name: scores["gflops"] for name, scores in found["mean"].items()}
    assert cost["no_persona"] < cost["untrained"] == cost["baseline"] == cost["tuned"]
    assert cost["bi_encoder"] < cost["tuned"] < cost["cross_encoder"]
    rows = read_parquet(Path("one.parquet"))
    assert {row["model"] for row in rows} == methods
    ranks = [row["rank"] for row in rows if row["model"] == "tuned"]
    assert found["happy"]["tuned"]["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / len(ranks), abs=1e-6)
    assert found["happy"]["tfidf"]["mrr"] > 0.3  # the reply repeats the context's noun and the persona's
    assert {("mean", "bi_encoder", "tuned"), ("happy", "bi_encoder", "tuned")} <= {
        (row["domain"], row["before"], row["after"]) for row in read_json(Path("one-tests.json"))
    }


def test_no_further_recipe_is_a_comparison_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("compare.recipes", []), ("compare.domains", ["happy"]),
        ("retrieval.recipe", "tuned"), ("transfer.recipe", "tuned"), ("rag.recipe", "tuned"),
    )  # fmt: skip
    train_once("tuned")
    base_models.main(name="embedder", target=Path("embedder"))
    evaluate("ranks")
    compare_all("c")
    assert set(read_json(Path("c.json"))["mean"]) == {*METHODS, "untrained", "tuned"}


def test_a_domain_without_trained_models_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"compare.domains has 'all', which is none of cobert.domains: happy"):
        compare_all("c")
