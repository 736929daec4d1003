from pathlib import Path

import pytest

from attune.core.files import read_json, write_parquet
from attune.corpora import schemas
from attune.inference.ranker import saved
from attune.inference.ranker import test_set as ranking_test
from attune.parameters import load
from stages import evaluate_cobert, train_cobert, transfer
from tests.project import changed
from tests.stages.cobert_project import pec_rows, project, train


def test_each_model_is_tested_on_each_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    others = [row | {"id": f"other {row['id']}"} for row in pec_rows(40, "test")[16:]]
    for split, rows in (("train", pec_rows(32, "train")), ("valid", pec_rows(16, "valid")), ("test", others)):
        write_parquet(Path(f"pec/small/all/{split}.parquet"), rows, schemas.PEC)
    pool = [{"id": row["id"], "response": row["response"]} for row in others]
    write_parquet(Path("pec/candidates/all.parquet"), pool, schemas.CANDIDATES)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("transfer.recipe", "tuned"), ("retrieval.recipe", "tuned"),
        ("rag.recipe", "tuned"),
    )  # fmt: skip
    train("tuned")
    target = "models/tuned-small-all"
    train_cobert.main("recipes/baseline.json", "encoder", "pec/small/all", target, f"{target}.csv")
    transfer.main("pec", "models", "transfer.json")
    evaluate_cobert.main("recipes", "encoder", "pec", "models", "m.json", "i.json", "t.json", "ranks.parquet")
    found = read_json(Path("transfer.json"))
    assert set(found) == set(found["all"]) == {"happy", "all"}
    for domain in ("happy", "all"):
        assert all(scores["mrr_low"] < scores["mrr"] < scores["mrr_high"] for scores in found[domain].values())
        assert found[domain][domain] == read_json(Path("i.json"))["small"][domain]["tuned"]
    settings = load(Path("params.yaml"))
    for trained, tested in (("happy", "all"), ("all", "happy")):
        test = ranking_test(Path("pec"), "small", tested, settings.cobert, settings.seed)
        ranks = [row["rank"] for row in test.rank(*saved(Path(f"models/tuned-small-{trained}")))]
        assert found[trained][tested]["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / len(ranks), abs=1e-6)
    assert len({scores["mrr"] for trained in found.values() for scores in trained.values()}) == 4
