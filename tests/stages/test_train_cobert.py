from pathlib import Path

import pytest

from attune import schemas
from attune.errors import AttuneError
from attune.files import sha256, write_parquet
from stages.plot import read_csv
from tests.stages.cobert_project import project, train


def test_a_run_writes_model_and_curve_twice_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    train("baseline")
    train("baseline", "again")
    first, second = (Path(f"models/{name}-small-happy") for name in ("baseline", "again"))
    names = sorted(path.name for path in first.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(names)
    assert not any(name.endswith((".bin", ".pt")) for name in names)
    assert [sha256(first / name) for name in names] == [sha256(second / name) for name in names]
    curve = read_csv(Path("models/baseline-small-happy.csv"))
    assert [row["epoch"] for row in curve] == ["0", "1", "2"]
    assert list(Path(".checkpoints").glob("*/")) == []


def test_an_empty_split_is_said_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    write_parquet(Path("pec/small/happy/valid.parquet"), [], schemas.PEC)
    with pytest.raises(AttuneError, match=r"valid\.parquet has no rows"):
        train("baseline")
    assert not Path("models").exists()
