"""Rows of the files that one's own data may be in: CSV, JSON and parquet."""

import csv
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.corpora.reading import BadRow, BadRows, check_content, csv_rows, lines, parquet_rows

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
_SEPARATORS = ",;\t"  # the first of those by which the header has most of what is wanted and, of these, most names
Record = tuple[int, dict[str, Any]]


def records(path: Path, wanted: Collection[str], bad: BadRows) -> Iterator[Record]:
    """Each row with its number: of the line on which it begins, or in .json and .parquet of the row.

    The first row has all columns that any has. wanted: those that are read; others may be None in place of what they
    hold.

    Raises
    ------
    AttuneError
        for a file that does not exist, that cannot be read, or whose suffix is none of SUFFIXES, and as `BadRows.add`.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise AttuneError(f"{path.absolute()} {problem}; a corpus' path names a file of {', '.join(SUFFIXES)}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise AttuneError(f"{path} has the suffix {path.suffix!r}; it must be one of {', '.join(SUFFIXES)}")
    check_content(path)
    if suffix == ".parquet":
        return _parquet(path, wanted)
    if suffix == ".csv":
        return _csv(path, wanted, bad)
    return _json(path) if suffix == ".json" and _begins_with(path, "[") else _json_lines(path, bad)


def _csv(path: Path, wanted: Collection[str], bad: BadRows) -> Iterator[Record]:
    csv.field_size_limit(10_000_000)  # characters of a cell; 131,072 otherwise
    # Spreadsheets write semicolons where the comma divides decimals, or tabs.
    headers = {separator: _header(path, separator) for separator in _SEPARATORS}
    separator = max(headers, key=lambda each: (len(set(wanted) & set(headers[each])), len(headers[each])))
    rows = _rows(path, separator)
    first = next(rows, None)
    names = [name.strip() for name in first[1]] if first else []
    if first and not names:
        raise AttuneError(f"{path}, line 1 is empty; it must name the columns")
    _check_names(path, [name for name in names if name])  # spreadsheets write empty columns too
    for number, cells in rows:
        if cells and len(cells) != len(names):
            right = f"put cells with {separator!r}, quotes or line breaks into quotes"
            bad.add(path, number, f"not the {len(names)} cells of the header; {right}")
        elif cells:
            yield number, dict(zip(names, cells, strict=True))


def _header(path: Path, separator: str) -> list[str]:
    """The names in the first row as `separator` divides them; none if it cannot be read so."""
    try:
        _, names = next(_rows(path, separator), (1, []))
    except AttuneError:
        return []
    return [name.strip() for name in names]


def _rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    return csv_rows(path, delimiter=separator, skipinitialspace=True)


def _json_lines(path: Path, bad: BadRows) -> Iterator[Record]:
    columns = {name: None for _, row in _objects(path, BadRows("skip")) for name in row}
    if not columns and path.suffix.lower() == ".json":
        raise AttuneError(f"{path} must hold a list of objects, one per row, or one object per line")
    return ((number, columns | row) for number, row in _objects(path, bad))


def _objects(path: Path, bad: BadRows) -> Iterator[Record]:
    """One object per line, with the number of its line, or where the file is called .json of its row."""
    for row, (line, text) in enumerate(lines(path), start=1):
        number = row if path.suffix.lower() == ".json" else line
        with bad.leaving_out(path):
            yield number, _object(number, text)


def _begins_with(path: Path, character: str) -> bool:
    """Whether the first character of the file that is no space is this one; little of the file is read."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        parts = iter(lambda: stream.read(4096), "")
        return next(filter(None, map(str.lstrip, parts)), "").startswith(character)


def _json(path: Path) -> Iterator[Record]:
    """The objects of a list; a file that holds one object per line is called .json by hubs too, and is not read so."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path} is not JSON in UTF-8: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise AttuneError(f"{path} must hold a list of objects, one per row, or one object per line")
    columns = {name: None for row in rows for name in row}
    yield from ((number, columns | row) for number, row in enumerate(rows, start=1))


def _parquet(path: Path, wanted: Collection[str]) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = tuple(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise AttuneError(f"{path} is not a complete parquet file: {str(error).splitlines()[0]}") from None
    _check_names(path, names)
    # Others may be large, or hold what Python has no type for, as times in nanoseconds.
    for number, row in parquet_rows(path, tuple(name for name in names if name in wanted), batch_size=1024):
        yield number, dict.fromkeys(names) | row


def _check_names(path: Path, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise AttuneError(f"{path} names a column twice ({', '.join(names)}); give each a name of its own")


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRow(number, f"not JSON ({error}); expected an object") from None
    if not isinstance(row, dict):
        raise BadRow(number, f"{line[:40]!r} is no object; each line must be one")
    return row
