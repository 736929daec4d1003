"""Rows of the files that one's own data may be in: CSV, JSON and parquet."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.corpora.reading import check_content, lines, parquet_rows

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
_SEPARATORS = ",;\t"  # the first of those that the header has most of
Record = tuple[int, dict[str, Any]]


def records(path: Path) -> Iterator[Record]:
    """Each row with its number: of its line, or in JSON and parquet of the row.

    Raises
    ------
    AttuneError
        for a file that does not exist, that cannot be read, or whose suffix is none of SUFFIXES.
    """
    if not path.is_file():
        raise AttuneError(f"{path.absolute()} does not exist; a corpus' path names a file of {', '.join(SUFFIXES)}")
    readers = {".csv": _csv, ".jsonl": _json_lines, ".json": _json, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise AttuneError(f"{path} has the suffix {path.suffix!r}; it must be one of {', '.join(SUFFIXES)}")
    check_content(path)
    return readers[path.suffix.lower()](path)


def _csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(10_000_000)  # characters of a cell; 131,072 otherwise
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header = stream.readline()
            # Spreadsheets write semicolons where the comma divides decimals, or tabs.
            separator = max(_SEPARATORS, key=header.count)
            stream.seek(0)
            reader = csv.DictReader(stream, delimiter=separator, skipinitialspace=True, strict=True)
            reader.fieldnames = names = [name.strip() for name in reader.fieldnames or ()]
            _check_names(path, names)
            for row in reader:
                if None in row or None in row.values():
                    wrong = f"line {reader.line_num}: not the {len(names)} cells of the header; put cells with"
                    raise AttuneError(f"{path}, {wrong} {separator!r}, quotes or line breaks into quotes")
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise AttuneError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); convert it") from None
    except csv.Error as error:
        raise AttuneError(f"{path}, line {reader.line_num}: {error}") from None


def _json_lines(path: Path) -> Iterator[Record]:
    for number, line in lines(path):
        yield number, _object(path, number, line)


def _json(path: Path) -> Iterator[Record]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object per line, as hubs call it too
            yield from _json_lines(path)
            return
        raise AttuneError(f"{path} is not JSON in UTF-8: {error}") from None
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path} is not JSON in UTF-8: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AttuneError(f"{path} must hold a list of objects, one per row; for one object per line call it .jsonl")
    yield from enumerate(rows, start=1)


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = tuple(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise AttuneError(f"{path} is not a complete parquet file: {str(error).splitlines()[0]}") from None
    _check_names(path, names)
    yield from parquet_rows(path, names, batch_size=1024)


def _check_names(path: Path, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise AttuneError(f"{path} names a column twice ({', '.join(names)}); give each a name of its own")


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path}, line {number}: not JSON ({error})") from None
    if not isinstance(row, dict):
        raise AttuneError(f"{path}, line {number}: {line[:40]!r} is no object; each line must be one")
    return row
