import math
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json, write_parquet
from attune.evaluation.schemas import GENERATED, PLAIN, RANKED
from studies.seeds import main
from tests.stages.cobert_project import SCHEMAS, pec_rows
from tests.studies.seeds_project import BASE, project, train


def ranked(model: str, rank: int) -> list[dict[str, Any]]:
    about = {"model": model, "subset": "small", "domain": "happy", "loss": None, "first": ""}
    return [{**about, "id": row["id"], "rank": rank, "response": row["response"]} for row in pec_rows(16, "test")]


def generated(variant: str, nats: float) -> list[dict[str, Any]]:
    texts = {"generator": "tiny_full", "prompt": "", "target": "", "passage_replies": [], "target_given": False}
    numbers = {"tokens": 2, "nats": nats, "base_nats": 9.0, "reply": None, "truncated": None}
    return [{**texts, **numbers, "variant": variant, "id": f"c{at}", "conversation": f"c{at}"} for at in range(4)]


def test_the_seeds_of_each_model_are_one_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main job's seed is read from its rows: every right reply second, two nats per token without passages."""
    project(tmp_path, monkeypatch)
    train(14)
    write_parquet(Path("processed/pec/evaluate/small/happy.parquet"), pec_rows(16, "test"), SCHEMAS.rows)
    pool = [{"id": row["id"], "response": row["response"]} for row in pec_rows(16, "test")]
    write_parquet(Path("processed/pec/candidates/happy.parquet"), pool, SCHEMAS.candidates)
    write_parquet(Path("ranks.parquet"), [*ranked("tuned", 2), *ranked("baseline", 9)], RANKED)
    write_parquet(Path("evaluations/tiny_full.parquet"), [*generated(PLAIN, 4.0), *generated("rag", 1.0)], GENERATED)
    main(
        ranks=Path("ranks.parquet"),
        evaluations=Path("evaluations"),
        processed=Path("processed/pec"),
        models=Path("models"),
        scores=Path("seeds.json"),
        **BASE,
    )
    found = read_json(Path("seeds.json"))
    assert (found["seeds"], found["varies"]) == ([13, 14], "order")
    assert found["method"].startswith("hierarchical bootstrap")
    (tuned,) = found["ranking"]
    assert (tuned["model"], tuned["domain"], tuned["by_seed"]["13"]) == ("tuned", "happy", 0.5)
    assert 0 < tuned["by_seed"]["14"] <= 1
    assert tuned["mean"] == pytest.approx((0.5 + tuned["by_seed"]["14"]) / 2, abs=1e-6)
    assert tuned["low"] <= tuned["mean"] <= tuned["high"]
    (generator,) = found["generators"]
    assert generator["by_seed"]["13"] == pytest.approx(math.exp(2), abs=1e-6)
    assert generator["by_seed"]["14"] > 1
    assert generator["sd"] == pytest.approx(abs(generator["by_seed"]["14"] - math.exp(2)) / math.sqrt(2), abs=1e-5)
