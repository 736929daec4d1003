import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from attune import parameters
from attune.cobert import storage
from attune.cobert.model import inputs_for, untrained
from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, sha256, write_parquet
from attune.evaluation.ranking.evaluate import RankingTest
from attune.evaluation.ranking.summary import UNTRAINED, labelled, of_model
from attune.inference.ranker import Ranker
from stages.evaluate_cobert import rank
from tests.forked import python
from tests.project import changed
from tests.stages.cobert_project import ENCODER, RECIPE, SCHEMAS, evaluate, pec_rows, project, train_once


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
    power = read_json(Path("one-power.json"))
    steps = [("untrained", "baseline"), ("baseline", "tuned"), ("tuned", "attune")]
    assert list(dict.fromkeys((row["before"], row["after"]) for row in power["interval"])) == steps
    assert {(row["before"], row["after"]) for row in power["outperform"]} == {("baseline", "tuned")}
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
    assert {(row["before"], row["after"], row["models"]) for row in power["outperform"]} == {("untrained", "tuned", 2)}


def test_each_subset_and_domain_s_contexts_are_ranked_by_its_own_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    settings = parameters.load(
        changed(
            tmp_path, ("cobert.subsets", ["small", "large"]), ("cobert.domains", ["happy", "offmychest"]),
            ("cobert.candidates", 4),
        )
    )  # fmt: skip
    settings.cobert.recipes[:] = names = "baseline", "tuned"
    for name in names:
        random_cobert(Path("random") / name)
    places = {("small", "happy"): 0, ("small", "offmychest"): 1, ("large", "happy"): 1, ("large", "offmychest"): 0}
    for (subset, domain), first in places.items():
        rows = pec_rows(4, f"{subset} {domain} ")
        write_parquet(Path(f"pec/evaluate/{subset}/{domain}.parquet"), rows, SCHEMAS.rows)
        pool = [{"id": row["id"], "response": f"{row['response']} {domain[0]}"} for row in pec_rows(16, "test")]
        write_parquet(Path(f"pec/candidates/{domain}.parquet"), pool, SCHEMAS.candidates)
        for recipe, model in zip(names, (names[first], names[1 - first]), strict=True):
            shutil.copytree(f"random/{model}", f"models/{recipe}-{subset}-{domain}")
    words = Path("recipes"), ENCODER, Path("pec"), Path("models")
    found = [row for domain in settings.cobert.domains for row in rank(settings, domain, *words, {})]
    for subset, domain in places:
        test = RankingTest.load(Path("pec"), subset, domain, settings.cobert, settings.seed)
        for recipe in names:
            rows = test.rank(Ranker.from_pretrained(f"models/{recipe}-{subset}-{domain}", ENCODER))
            wanted = labelled(rows, model=recipe, subset=subset, domain=domain)
            assert of_model(found, subset, domain, recipe) == wanted
        before = of_model(found, subset, domain, UNTRAINED)
        assert [row["id"] for row in before] == [f"{subset} {domain} {at}" for at in range(4)]


def random_cobert(folder: Path) -> None:
    """A model that differs from the untrained one by noise, seeded by the folder's name."""
    model = untrained(ENCODER, RECIPE)
    torch.manual_seed(len(folder.name))
    with torch.no_grad():
        for each in model.parameters():
            each.add_(torch.randn_like(each) * each.requires_grad / 10)
    storage.save(model, folder)
    inputs_for(model, ENCODER).tokenizer.save_pretrained(folder)


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
