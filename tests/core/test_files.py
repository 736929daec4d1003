import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from attune.core.damage import DamagedFile
from attune.core.errors import AttuneError
from attune.core.files import (
    atomic_file,
    atomic_folder,
    read_csv,
    read_frame,
    read_json,
    read_parquet,
    refuse_existing,
    sha256,
    stream_parquet,
    stream_tables,
    write_csv,
    write_json,
    write_parquet,
    write_tables,
)
from tests.git_lfs import POINTER


@pytest.mark.fault("an error while a file is written", "no file, and nothing half-written")
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with pytest.raises(ZeroDivisionError), atomic_file(path) as temporary:
        temporary.write_text(str(1 / 0))
    assert list(path.parent.iterdir()) == []
    with atomic_file(path) as temporary:
        temporary.write_text("all")
        assert not path.exists()
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]
    assert path.read_text() == "all"


@pytest.mark.fault("an error while a folder is written", "the old folder stays as it was")
def test_a_folder_is_replaced_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "models"
    with atomic_folder(path) as temporary:
        (temporary / "old").write_text("1")
    with pytest.raises(ZeroDivisionError), atomic_folder(path) as temporary:
        (temporary / "new").write_text(str(1 / 0))
    assert [each.name for each in tmp_path.rglob("*")] == ["models", "old"]
    with atomic_folder(path) as temporary:
        (temporary / "new").write_text("2")
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["models", "new"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_weights_in_a_folder_have_the_umask_s_mode(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_folder(tmp_path / "model") as temporary:
            save_file({"a": np.zeros(1)}, temporary / "model.safetensors")
            (temporary / "config.json").write_text("{}")
    finally:
        os.umask(before)
    assert {oct(each.stat().st_mode & 0o777) for each in (tmp_path / "model").iterdir()} == {oct(mode)}


@pytest.mark.fault("temporary files of a killed process", "the next writer deletes them")
def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, parent = int(done.stdout), os.getppid()
    for process in (dead, parent, os.getpid()):
        (tmp_path / f".models.{process}.part").mkdir()
        (tmp_path / f".models.{process}.part" / "torn").touch()
    (tmp_path / f".a.json.{dead}.part").touch()
    (tmp_path / f".b.json.{dead}.part").touch()
    with atomic_folder(tmp_path / "models") as temporary:
        (temporary / "new").touch()
    write_json(tmp_path / "a.json", {})
    left = {f".models.{parent}.part", f".b.json.{dead}.part"}
    assert {each.name for each in tmp_path.iterdir()} == {"models", "a.json"} | left
    assert [each.name for each in (tmp_path / "models").iterdir()] == ["new"]


def test_json_is_sorted_and_holds_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": "é"})
    assert path.read_text() == '{\n  "a": "é",\n  "b": 1\n}\n'
    assert read_json(path) == {"a": "é", "b": 1}
    with pytest.raises(ValueError, match="nan"):
        write_json(path, {"loss": float("nan")})
    assert read_json(path) == {"a": "é", "b": 1}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("turns", pa.list_(pa.string()))])
    rows = [{"id": "b", "turns": ["x", "y"]}, {"id": "a", "turns": []}]
    for name in ("1", "2"):
        write_parquet(tmp_path / name, rows, schema)
    assert read_parquet(tmp_path / "1") == rows
    assert sha256(tmp_path / "1") == sha256(tmp_path / "2")


def test_csv_leaves_none_empty(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"step": 0, "loss": None}, {"step": 1, "loss": 0.5}])
    assert (tmp_path / "a.csv").read_text() == "step,loss\n0,\n1,0.5\n"


def test_csv_of_given_columns_leaves_empty_what_a_row_lacks(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"step": 0}, {"loss": 0.5, "step": 1}], ["step", "loss"])
    assert (tmp_path / "a.csv").read_text() == "step,loss\n0,\n1,0.5\n"


def test_csv_that_a_spreadsheet_has_saved_has_its_first_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfstep,answer\r\n1,"Yes,\r\nno"\r\n')
    assert read_csv(tmp_path / "a.csv") == [{"step": "1", "answer": "Yes,\r\nno"}]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 20])
def test_how_rows_arrive_does_not_show_in_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("attune.core.files.ROW_GROUP", 8)
    schema = pa.schema([("id", pa.string()), ("turns", pa.list_(pa.string()))])
    rows = [{"id": f"c{number}", "turns": ["x"] * (number % 3)} for number in range(count)]
    digests = set()
    for size in (1, 3, 8, 100):
        path = tmp_path / f"{size}.parquet"
        parts = [rows[start : start + size] for start in range(0, count, size)]
        tables = (pa.Table.from_pylist(part, schema=schema) for part in parts)
        assert write_tables(path, tables, schema) == count
        digests.add(sha256(path))
    assert write_parquet(tmp_path / "rows.parquet", iter(rows), schema) == count
    assert digests == {sha256(tmp_path / "rows.parquet")}
    assert pq.read_table(path).schema.equals(schema)
    assert list(stream_parquet(path)) == read_parquet(path) == rows


def test_a_file_streams_in_parts_and_one_without_rows_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.core.files.AT_ONCE", 3)
    schema = pa.schema([("n", pa.int32())])
    write_parquet(tmp_path / "seven.parquet", [{"n": number} for number in range(7)], schema)
    assert [len(table) for table in stream_tables(tmp_path / "seven.parquet")] == [3, 3, 1]
    write_parquet(tmp_path / "none.parquet", [], schema)
    assert [len(table) for table in stream_tables(tmp_path / "none.parquet")] == [0]


def test_what_was_read_of_a_file_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.core.files.AT_ONCE", 1)
    path, group = tmp_path / "rows.parquet", 2**20
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())]), compression="none") as writer:
        for _ in range(32):
            writer.write_table(pa.table({"text": [os.urandom(group // 2).hex()]}))
    before = pa.total_allocated_bytes()

    most = max(pa.total_allocated_bytes() - before for _ in stream_parquet(path))

    assert most < 8 * group


def test_stored_floats_are_rounded_wherever_they_stand(tmp_path: Path) -> None:
    passage = pa.struct([("text", pa.string()), ("score", pa.float64())])
    schema = pa.schema([("nats", pa.float64()), ("passages", pa.list_(passage)), ("n", pa.int32())])
    digests = set()
    for name, error in (("here", 1e-7), ("there", -1e-7)):  # rounded, one of them is -0.0
        rows = [{"nats": error, "passages": [{"text": "a", "score": 0.71234 + error}], "n": 1}, {"nats": None}]
        write_parquet(tmp_path / name, rows, schema)
        digests.add(sha256(tmp_path / name))
    assert len(digests) == 1
    assert read_parquet(tmp_path / "there") == [
        {"nats": 0.0, "passages": [{"text": "a", "score": 0.7123}], "n": 1},
        {"nats": None, "passages": None, "n": None},
    ]


@pytest.mark.parametrize("content", [b"", b'{"mrr": 0.', b'<<<<<<< HEAD\n{"mrr": 0.5}\n', b'{"title": "caf\xe9"}'])
@pytest.mark.fault("a JSON file of the pipeline's with a merge's marks, torn or not in UTF-8", "the file is named")
def test_a_damaged_json_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scores.json"
    path.write_bytes(content)
    with pytest.raises(AttuneError, match=r"scores\.json is not JSON in UTF-8 \(.*`dvc repro` writes it again"):
        read_json(path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("[]", "input should be an object"),
        ('{"a": 1}', "a: input should be a valid dictionary|a: input should be an object"),
        ('{"a": {"mrr": "high"}}', r"a\.mrr: input should be a valid number"),
    ],
)
@pytest.mark.fault("a JSON file of the pipeline's of another shape", "the file and the place in it are named")
def test_a_json_file_of_another_shape_is_named(tmp_path: Path, content: str, wrong: str) -> None:
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(DamagedFile, match=rf"scores\.json has another shape \(({wrong})\); .* `dvc repro` writes it"):
        read_json(path, dict[str, dict[str, float]])
    path.write_text('{"a": {"mrr": 1}}')
    assert read_json(path, dict[str, dict[str, float]]) == {"a": {"mrr": 1}}


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "has no column question, answer"),
        (b"question,reply\na,b\n", "has no column answer"),
        (b"question,answer\na,b\nc", "is torn: row 2 has not the 2 fields"),
        (b"question,answer\na,b,c\n", "is torn: row 1 has not the 2 fields"),
        (b'question,answer\na,"b\n', "is no CSV in UTF-8"),
        (b"question,answer\na,caf\xe9\n", "is no CSV in UTF-8"),
    ],
)
@pytest.mark.fault("a torn or foreign CSV file of the pipeline's", "the file is named, and what is wrong with it")
def test_a_damaged_csv_file_is_named(tmp_path: Path, content: bytes, wrong: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=rf"answers\.csv {wrong}.*; `git checkout` .* `dvc repro` writes it again"):
        read_csv(path, ("question", "answer"))


@pytest.mark.parametrize("read", [read_parquet, read_frame, lambda path: list(stream_tables(path))])
@pytest.mark.fault("a damaged parquet file of the pipeline's", "the file is named, and what brings it back")
def test_a_damaged_parquet_file_is_named(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "rows.parquet"
    write_parquet(path, [{"id": str(number)} for number in range(99)], pa.schema([("id", pa.string())]))
    whole = path.read_bytes()
    for content in (b"", POINTER.encode(), whole[:-20], b"PAR1" + b"x" * 99 + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(AttuneError, match=r"rows\.parquet is not a complete parquet file .*`dvc checkout` brings"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.parquet")


@pytest.mark.fault("a target that is a link to nothing", "one sentence, before any work")
def test_a_link_to_nothing_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "new").symlink_to(tmp_path / "none")
    with pytest.raises(AttuneError, match="new exists already; name a new folder"):
        refuse_existing(tmp_path / "new")


def test_a_file_that_only_looks_temporary_stays(tmp_path: Path) -> None:
    (tmp_path / ".new.backup.part").touch()
    with atomic_file(tmp_path / "new") as temporary:
        temporary.touch()
    assert sorted(each.name for each in tmp_path.iterdir()) == [".new.backup.part", "new"]
