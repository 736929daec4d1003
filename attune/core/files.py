"""Atomic writing: a temporary name beside the target, then a rename, so that nothing half-written is left behind."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from itertools import islice
from numbers import Integral, Real
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune.core.damage import DamagedFile, check_shape
from attune.core.environment import lives
from attune.core.errors import AttuneError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

# Rows per row group of the parquet files that are written, and rows in memory as Python objects while files stream.
ROW_GROUP, AT_ONCE = 16_384, 1024
# Decimals of stored numbers: the digits after them differ between processors that compute the same.
DECIMALS = 4


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the name `path` only if the block ends without an error."""
    temporary = _beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; it replaces `path` only if the block ends without an error."""
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        _share_weights(temporary)
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _share_weights(folder: Path) -> None:
    """Give weights the umask's mode, as the other files have it: safetensors writes them for their owner alone."""
    for path in folder.rglob("*.safetensors"):
        path.chmod(folder.stat().st_mode & 0o666)


def refuse_existing(folder: Path) -> None:
    """Raise an AttuneError where `folder` exists, be it a link to nothing: `atomic_folder` would replace it."""
    if lexists(folder):
        raise AttuneError(f"{folder} exists already; name a new folder")


def _beside(path: Path) -> Path:
    """A temporary name for `path`; temporary files of killed processes are deleted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{escape(path.name)}.*.part"):
        writer = left.suffixes[-2][1:]
        if writer.isdecimal() and (int(writer) == os.getpid() or not lives(int(writer))):  # else it is not ours
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def write_json(path: Path, value: Any) -> None:
    """Write sorted keys, two spaces, a final newline; non-finite numbers raise a ValueError, since JSON has none."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, shape: Any = Any) -> Any:
    """What a JSON file of the pipeline's holds; a DamagedFile if it is damaged, as by a merge, or has another shape.

    shape: a type, which pydantic compares with the file; the values themselves are returned as `json` reads them.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
    except ValueError as error:
        raise DamagedFile(path, f"is not JSON in UTF-8 ({error})") from None
    if shape is not Any:
        check_shape(path, text, shape)
    return value


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], schema: "pa.Schema") -> int:
    """Write `rows` in their order with exactly `schema`; equal rows give equal bytes. Otherwise as `write_tables`.

    Floats, also those inside of lists and mappings, are rounded to DECIMALS.
    """
    import pyarrow as pa

    nested = [name for name in schema.names if "double" in str(schema.field(name).type)]
    waiting = iter(row | {name: rounded(row.get(name)) for name in nested} if nested else row for row in rows)
    parts = iter(lambda: list(islice(waiting, AT_ONCE)), [])
    return write_tables(path, (pa.Table.from_pylist(part, schema=schema) for part in parts), schema)


def rounded(value: Any) -> Any:
    """`value` with every float in it rounded to DECIMALS; 0.0 for -0.0, since a last digit decides between the two."""
    if isinstance(value, Real) and not isinstance(value, Integral):  # also numpy's
        return round(float(value), DECIMALS) + 0.0
    if isinstance(value, Mapping):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list | tuple) else value


def write_tables(path: Path, tables: Iterable["pa.Table"], schema: "pa.Schema") -> int:
    """Write `tables` one after another and return how many rows they have; the rows of one row group are held.

    How the rows are divided among the tables does not change the bytes.
    """
    import pyarrow.parquet as pq

    rows = 0
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for group in _row_groups(tables, schema):
            writer.write_table(group, ROW_GROUP)
            rows += len(group)
    return rows


def _row_groups(tables: Iterable["pa.Table"], schema: "pa.Schema") -> Iterator["pa.Table"]:
    """The rows of `tables` in tables of ROW_GROUP rows and a last, smaller one; one without rows if there are none."""
    import pyarrow as pa

    held, complete = schema.empty_table(), 0
    for table in tables:
        held = pa.concat_tables([held, table])
        while len(held) >= ROW_GROUP:
            yield held.slice(0, ROW_GROUP).combine_chunks()
            held, complete = held.slice(ROW_GROUP), complete + 1
    if len(held) or not complete:
        yield held.combine_chunks()  # the borders between chunks would become borders between pages


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """An AttuneError for a parquet file of the pipeline's that is damaged, or in whose place something else stands."""
    import pyarrow as pa

    path.stat()  # of a missing file pyarrow's error has no number
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).splitlines()[0]
        raise DamagedFile(path, f"is not a complete parquet file ({reason})", "`dvc checkout`") from None


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file; an AttuneError if it is damaged."""
    import pyarrow.parquet as pq

    with _whole(path):
        return pq.read_table(path).to_pylist()


def read_frame(path: Path) -> "pd.DataFrame":
    """As `read_parquet`, as a table."""
    import pandas as pd

    with _whole(path):
        return pd.read_parquet(path)


def open_parquet(path: Path) -> "pq.ParquetFile":
    """A parquet file to be read in parts."""
    import pyarrow.parquet as pq

    # By default pyarrow reads row groups ahead, and keeps all that it has read until the file is closed.
    return pq.ParquetFile(path, pre_buffer=False)


def stream_tables(path: Path) -> Iterator["pa.Table"]:
    """The rows of a parquet file, AT_ONCE of them at a time; one table without rows for a file without rows.

    Raises
    ------
    AttuneError
        as `read_parquet`.
    """
    import pyarrow as pa

    with _whole(path), open_parquet(path) as file:
        if not file.metadata.num_rows:
            yield file.schema_arrow.empty_table()
        for batch in file.iter_batches(AT_ONCE):
            yield pa.Table.from_batches([batch])


def stream_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """As `read_parquet`, some rows at a time."""
    for table in stream_tables(path):
        yield from table.to_pylist()


def read_csv(path: Path, columns: Iterable[str] = ()) -> list[dict[str, str]]:
    """The rows by the header's names; a spreadsheet may have begun the file with a byte order mark.

    Raises
    ------
    DamagedFile
        if the file is no CSV in UTF-8, lacks one of `columns`, or has a row with more or fewer fields than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows, header = list(reader), reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedFile(path, f"is no CSV in UTF-8 ({error})") from None
    if lacking := [each for each in columns if each not in header]:
        raise DamagedFile(path, f"has no column {', '.join(lacking)}")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise DamagedFile(path, f"is torn: row {number} has not the {len(header)} fields of the header")
    return rows


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write `columns`, by default those of the first row; None, and what a row lacks, becomes an empty field."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns or list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
