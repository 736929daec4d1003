import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, sha256, write_json, write_parquet
from attune.evaluation.ranking.baselines import BASELINES
from attune.parameters import load
from attune.parameters.agreement import STUDIES
from stages import base_models
from studies import compare
from tests.project import changed
from tests.stages.cobert_project import ENCODER, RECIPE, SCHEMAS, evaluate, pec_rows, project, train_once

# CoBERT's recipes with what their models are called before training.
STARTS = {"baseline": "untrained", "tuned": "tuned before training", "attune": "attune before training"}


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


def second_domain(*recipes: str) -> None:
    """`all` has the test contexts of `happy` and others; its models are those of `happy`."""
    rows = {"train": pec_rows(32, "train"), "valid": pec_rows(16, "valid"), "test": pec_rows(24, "test")}
    for split, each in rows.items():
        write_parquet(Path(f"pec/small/all/{split}.parquet"), each, SCHEMAS.rows)
    write_parquet(Path("pec/evaluate/small/all.parquet"), rows["test"], SCHEMAS.rows)
    pool = [{"id": row["id"], "response": row["response"]} for row in rows["test"]]
    write_parquet(Path("pec/candidates/all.parquet"), pool, SCHEMAS.candidates)
    for recipe in recipes:
        shutil.copytree(f"models/{recipe}-small-happy", f"models/{recipe}-small-all")


def mrr(rows: list[dict[str, Any]], model: str, domain: str) -> float:
    return fmean(1 / row["rank"] for row in rows if (row["model"], row["domain"]) == (model, domain))


def check_tests(records: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Attune against what takes no training is one family over both domains; its p are corrected by hand."""
    untrained = {*BASELINES, "untrained"}
    families = {name: [row for row in records if row["family"] == name] for name in {row["family"] for row in records}}
    assert set(families) == {
        "ways without training", "ways without training by domain", "ways without training, other recipes",
        "ways without training by domain, other recipes", "trained ways", "what training adds",
        "what training adds by domain",
    }  # fmt: skip
    gains = {row["after"]: row for row in families["what training adds"]}
    assert {name: row["before"] for name, row in gains.items()} == STARTS
    for name, row in gains.items():
        gain = fmean(mrr(rows, name, domain) - mrr(rows, STARTS[name], domain) for domain in ("happy", "all"))
        assert row["difference"] == pytest.approx(gain, abs=2e-6)
    pooled = families["ways without training"]
    assert {(row["before"], row["after"]) for row in pooled} == {(way, "attune") for way in untrained}
    for row in pooled:
        gains = [mrr(rows, "attune", domain) - mrr(rows, row["before"], domain) for domain in ("happy", "all")]
        assert row["domain"] == "mean"
        assert row["difference"] == pytest.approx(fmean(gains), abs=2e-6)
        assert {"low", "high", "p", "effect"} <= row.keys()
    highest = 0.0
    for left, row in zip(range(len(pooled), 0, -1), sorted(pooled, key=lambda row: row["p"]), strict=True):
        highest = max(highest, min(1.0, left * row["p"]))
        assert row["p_holm"] == pytest.approx(highest, abs=1e-5)
    assert {row["after"] for row in families["ways without training, other recipes"]} == {"baseline", "tuned"}
    trained = families["trained ways"]
    assert {row["domain"] for row in trained} == {"happy"}
    assert len(trained) == 3 * 3


@pytest.mark.slow
def test_every_way_to_match_stands_in_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]), ("cobert.candidates", 10),
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
    second_domain("baseline", "tuned", "attune")
    base_models.main(name="embedder", target=Path("embedder"))
    evaluate("ranks")
    for target in ("one", "two"):
        compare_all(target)
    for suffix in ("json", "parquet"):
        assert sha256(Path(f"one.{suffix}")) == sha256(Path(f"two.{suffix}"))
    found = read_json(Path("one.json"))
    assert set(found) == {"happy", "all", "mean"}
    trained = {"baseline", "tuned", "attune", "bi_encoder", "cross_encoder", "no_persona"}
    methods = {*BASELINES, *STARTS.values(), *trained}
    assert set(found["happy"]) == methods
    # Without models of compare.recipes.
    assert set(found["all"]) == set(found["mean"]) == {*BASELINES, *STARTS, *STARTS.values()}
    for name, scores in found["happy"].items():
        assert scores["mrr_low"] <= scores["mrr"] <= scores["mrr_high"]
        assert ("loss" in scores) == (name not in BASELINES)
        assert (scores["gflops"] > 0) == (name not in ("tfidf", "bm25"))
    cost = {name: scores["gflops"] for name, scores in found["happy"].items()}
    assert cost["no_persona"] < cost["untrained"] == cost["baseline"] == cost["tuned"]
    assert cost["bi_encoder"] < cost["tuned"] < cost["cross_encoder"]
    rows = read_parquet(Path("one.parquet"))
    assert {row["model"] for row in rows} == methods
    for name in ("tuned", "cosine_context"):
        by_domain = [mrr(rows, name, domain) for domain in ("happy", "all")]
        assert [found[domain][name]["mrr"] for domain in ("happy", "all")] == pytest.approx(by_domain, abs=1e-6)
        assert found["mean"][name]["mrr"] == pytest.approx(fmean(by_domain), abs=1e-6)
    assert found["happy"]["tfidf"]["mrr"] > 0.3  # the reply repeats the context's noun
    check_tests(read_json(Path("one-tests.json")), rows)


def test_a_domain_without_trained_models_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"compare.domains names 'all', which is no entry of cobert.domains: happy"):
        compare_all("c")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("compare.recipes", [])], r"compare\.recipes is empty, and the studies compare at least one further recipe"),
        ([("seeds.recipes", []), ("seeds.generators", [])], "seeds names nothing that the studies could train"),
        ([("seeds.domains", []), ("seeds.generators", [])], "seeds names nothing that the studies could train"),
    ],
)
@pytest.mark.fault("studies of no further recipe, or of no model with several seeds", "refused; the main job runs")
def test_what_leaves_a_study_without_a_subject_is_refused_for_the_studies_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[tuple[str, list[str]]], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(changed(tmp_path, *changes))
    with pytest.raises(AttuneError, match=message):
        compare_all("c")


def test_either_recipes_or_generators_have_seeds(tmp_path: Path) -> None:
    for name in ("recipes", "domains", "generators"):
        assert load(changed(tmp_path, (f"seeds.{name}", [])), further=STUDIES)
