from pathlib import Path

import pytest

from attune.core.files import read_json, write_parquet
from attune.evaluation.ranking.evaluate import RankingTest
from attune.inference.ranker import Ranker
from attune.parameters import load
from studies import transfer
from tests.project import changed
from tests.stages.cobert_project import SCHEMAS, evaluate, pec_rows, project, train_on, train_once


def test_each_model_is_tested_on_each_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    others = [row | {"id": f"other {row['id']}"} for row in pec_rows(40, "test")[16:]]
    for split, rows in (("train", pec_rows(32, "train")), ("valid", pec_rows(16, "valid")), ("test", others)):
        write_parquet(Path(f"pec/small/all/{split}.parquet"), rows, SCHEMAS.rows)
    write_parquet(Path("pec/evaluate/small/all.parquet"), others, SCHEMAS.rows)
    pool = [{"id": row["id"], "response": row["response"]} for row in others]
    write_parquet(Path("pec/candidates/all.parquet"), pool, SCHEMAS.candidates)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("transfer.recipe", "tuned"), ("retrieval.recipe", "tuned"),
        ("rag.recipe", "tuned"),
    )  # fmt: skip
    train_once("tuned")
    train_on("all", "baseline", "models/tuned-small-all")
    transfer.main(processed=Path("pec"), models=Path("models"), scores=Path("transfer.json"))
    evaluate("ranks")
    found = read_json(Path("transfer.json"))
    assert set(found) == set(found["all"]) == {"happy", "all"}
    for domain in ("happy", "all"):
        assert all(scores["mrr_low"] < scores["mrr"] < scores["mrr_high"] for scores in found[domain].values())
        assert found[domain][domain] == read_json(Path("ranks-intervals.json"))["small"][domain]["tuned"]
    settings = load(Path("params.yaml"))
    for trained, tested in (("happy", "all"), ("all", "happy")):
        test = RankingTest.load(Path("pec"), "small", tested, settings.cobert, settings.seed)
        ranks = [row["rank"] for row in test.rank(Ranker.from_pretrained(f"models/tuned-small-{trained}"))]
        assert found[trained][tested]["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / len(ranks), abs=1e-6)
    assert len({scores["mrr"] for trained in found.values() for scores in trained.values()}) == 4
