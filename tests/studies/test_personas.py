import shutil
from pathlib import Path

import pytest

from attune.core.files import read_json, read_parquet, write_json, write_parquet
from studies import personas
from tests.project import changed
from tests.stages.cobert_project import RECIPE, SCHEMAS, project, train


def test_more_persona_sentences_rank_better_where_the_reply_depends_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    shutil.copytree("pec/evaluate/small", "pec/evaluate/large")
    changed(
        tmp_path, ("cobert.candidates", 10), ("personas.counts", [0, 1]), ("personas.domain", "happy"),
        ("personas.subset", "small"),
    )  # fmt: skip
    for count in (0, 1):
        write_json(Path(f"recipes/personas_{count}.json"), RECIPE | {"num_personas": count, "epochs": 8})
        train(f"personas_{count}")
        shutil.move(f"models/personas_{count}-small-happy", f"models/{count}")
    personas.main(processed=Path("pec"), models=Path("models"), scores=Path("found.json"), tests=Path("tests.json"))
    found, tests = read_json(Path("found.json")), read_json(Path("tests.json"))
    assert set(found) == {"0", "1"}
    assert found["1"]["mrr"] > found["0"]["mrr"]
    assert [(row["before"], row["after"]) for row in tests] == [("0", "1")]
    assert tests[0]["difference"] == pytest.approx(found["1"]["mrr"] - found["0"]["mrr"], abs=2e-6)
    rows = [row | {"personas": []} for row in read_parquet(Path("pec/evaluate/large/happy.parquet"))]
    write_parquet(Path("pec/evaluate/large/happy.parquet"), rows, SCHEMAS.rows)
    personas.main(processed=Path("pec"), models=Path("models"), scores=Path("found.json"), tests=Path("tests.json"))
    assert set(read_json(Path("found.json"))) == {"0", "1"}
    assert read_json(Path("tests.json")) == []
