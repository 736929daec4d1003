import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, sha256, write_parquet
from tests.forked import python
from tests.project import changed
from tests.stages.cobert_project import SCHEMAS, evaluate, pec_rows, project, train_once


def test_trained_models_are_evaluated_beside_the_untrained_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    for recipe in ("baseline", "tuned", "attune"):
        train_once(recipe)
    for target in ("one", "two"):
        evaluate(target)
    widths = read_json(Path("one-intervals.json"))["small"]
    assert set(widths) == {"happy", "mean"}
    assert widths["mean"] == widths["happy"]
    assert widths["happy"]["tuned"]["mrr_low"] < widths["happy"]["tuned"]["mrr"] < widths["happy"]["tuned"]["mrr_high"]
    tests = {
        (row["before"], row["after"]): row
        for row in read_json(Path("one-tests.json"))
        if (row["subset"], row["domain"], row["score"]) == ("small", "happy", "mrr")
    }
    difference = widths["happy"]["tuned"]["mrr"] - widths["happy"]["baseline"]["mrr"]
    assert tests["baseline", "tuned"]["difference"] == pytest.approx(difference, abs=2e-6)
    assert len(tests) == 6
    assert [row["domain"] for row in read_json(Path("one-tests.json"))] == ["happy"] * 6 + ["mean"] * 6
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    assert sha256(Path("one.parquet")) == sha256(Path("two.parquet"))
    found = read_json(Path("one.json"))["small"]["happy"]
    assert set(found) == {"untrained", "baseline", "tuned", "attune"}
    assert set(found["tuned"]) == {"loss", "mrr", "r@1", "r@10", "r@50"}
    assert found["tuned"]["mrr"] > found["untrained"]["mrr"]
    assert found["tuned"]["loss"] < found["untrained"]["loss"]
    assert found["tuned"]["r@10"] == 1
    for model in found:
        rows = [row for row in read_parquet(Path("one.parquet")) if row["model"] == model]
        assert command_line_scores(rows, tmp_path) == {
            name: f"{found[model][name]:.6f}" for name in ("mrr", "r@1", "r@10", "r@50")
        }


def test_models_of_few_test_contexts_are_ranked_on_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both subsets have the same contexts; those of the small one's own test split are scored apart."""
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.domains", ["happy"]), ("cobert.candidates", 10), ("cobert.recipes", ["tuned"]),
        ("retrieval.recipe", "tuned"), ("transfer.recipe", "tuned"), ("rag.recipe", "tuned"), ("compare.recipes", []),
    )  # fmt: skip
    shutil.copytree("pec/evaluate/small", "pec/evaluate/large")
    shutil.copytree("pec/small", "pec/large")
    write_parquet(Path("pec/small/happy/test.parquet"), pec_rows(16, "test")[:8], SCHEMAS.rows)
    train_once("tuned")
    shutil.copytree("models/tuned-small-happy", "models/tuned-large-happy")
    evaluate("m")
    scores, power = read_json(Path("m-intervals.json")), read_json(Path("m-power.json"))
    assert scores["small"] == scores["large"]
    assert {row["family"] for row in read_json(Path("m-tests.json"))} == {"recipes", "recipes by domain"}
    few = [row for row in read_parquet(Path("m.parquet")) if row["subset"] == "small" and row["model"] == "tuned"][:8]
    mrr = sum(1 / row["rank"] for row in few) / 8
    assert set(power["own"]["scores"]) == {"small"}
    assert power["own"]["scores"]["small"]["happy"]["tuned"]["mrr"] == pytest.approx(mrr, abs=1e-6)
    assert {row["models"] for row in power["outperform"]} == {2}


def command_line_scores(rows: list[dict[str, Any]], folder: Path) -> dict[str, str]:
    """What ir_measures' command line prints for the written ranks, six places each."""
    judged = [f"{row['id']} 0 right 1" for row in rows]
    run = [
        f"{row['id']} Q0 {name} 0 {score} run"
        for row in rows
        for name, score in [("right", -row["rank"]), *((f"wrong{place}", -place) for place in range(1, row["rank"]))]
    ]
    for name, lines in (("qrels", judged), ("run", run)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ("ir_measures", "qrels", "run", "RR R@1 R@10 R@50", "--places", "6")
    done = python("data", "-m", *words, cwd=folder)
    names = {"RR": "mrr", "R@1": "r@1", "R@10": "r@10", "R@50": "r@50"}
    return {names[name]: value for name, value in (line.split("\t") for line in done.stdout.strip().splitlines())}


def test_a_domain_with_fewer_replies_than_candidates_says_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 100))
    with pytest.raises(AttuneError, match=r"needs 99; set cobert\.candidates to at most 16"):
        evaluate("m")
    assert not Path("m.json").exists()
