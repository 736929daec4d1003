from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attune.core.errors import AttuneError
from attune.corpora.openorca import COLUMNS, Task, read
from attune.corpora.reading import BadRows


def written(folder: Path, *rows: tuple[Any, ...], **options: Any) -> Path:
    path = folder / "orca.parquet"
    columns = {name: [row[number] for row in rows] for number, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_rows_in_order_whatever_the_batch(tmp_path: Path, batch_size: int) -> None:
    path = written(tmp_path, *[(f"niv.{n}", None if n == 1 else "s", f"q{n}", f"r{n}") for n in range(5)])
    rows = list(read(path, BadRows("error"), batch_size=batch_size))
    assert [row.id for row in rows] == ["niv.0", "niv.1", "niv.2", "niv.3", "niv.4"]
    assert rows[1] == Task("niv.1", "", "q1", "r1")
    assert rows[4] == Task("niv.4", "s", "q4", "r4")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", "s", None, "r"), "question is empty"),
        (("a", "s", " \n", "r"), "question is empty"),
        (("a", "s", "q", None), "response is empty"),
        (("a", "s", "q", ""), "response is empty"),
        ((None, "s", "q", "r"), "id is empty"),
    ],
)
@pytest.mark.fault("a malformed row of OpenOrca", "file and row are named")
def test_malformed_row_is_named_by_its_number(tmp_path: Path, row: tuple[Any, ...], message: str) -> None:
    good = ("b", "s", "q", "r")
    path = written(tmp_path, good, good, row, good)
    for batch_size in (1, 2, 1000):
        with pytest.raises(AttuneError, match=rf"orca\.parquet, row 3: {message}"):
            list(read(path, BadRows("error"), batch_size=batch_size))
    bad = BadRows("skip")
    assert len(list(read(path, bad))) == 3
    assert bad.count == 1


@pytest.mark.fault("a column of numbers where text is expected", "the column is named")
def test_a_column_of_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, ("a", "s", "q", 3))
    with pytest.raises(AttuneError, match=r"orca\.parquet, row 1: response is 3; expected text"):
        list(read(path, BadRows("error")))


@pytest.mark.fault("missing columns", "they are named")
def test_missing_columns(tmp_path: Path) -> None:
    path = tmp_path / "orca.parquet"
    pq.write_table(pa.table({"id": ["a"], "question": ["q"]}), path)
    with pytest.raises(AttuneError, match=r"orca\.parquet has no column system_prompt, response; it must have id"):
        list(read(path, BadRows("skip")))


@pytest.mark.fault("a truncated parquet file", "the file and the last whole row are named")
def test_truncated_file(tmp_path: Path) -> None:
    path = written(tmp_path, *[(f"{n}", "s", "q" * n, "r") for n in range(1, 100)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AttuneError, match=r"orca\.parquet, after row 0: not a complete parquet file"):
        list(read(path, BadRows("skip")))


@pytest.mark.fault("a damaged row group", "the file and the last whole row are named")
def test_damage_in_a_later_row_group(tmp_path: Path) -> None:
    rows = [(f"{n}", "s", f"question {n}", "r") for n in range(100)]
    path = written(tmp_path, *rows, row_group_size=50, compression="zstd")
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(AttuneError, match=r"orca\.parquet, after row 50: not a complete parquet file"):
        list(read(path, BadRows("skip"), batch_size=50))


def test_published_counts(real_corpora: Path) -> None:
    rows = list(read(real_corpora / "openorca/1M-GPT4-Augmented.parquet", BadRows("error"), batch_size=64))
    assert len(rows) == 300
    assert rows[0].id == "orca_dpo_pairs.validation.0"
