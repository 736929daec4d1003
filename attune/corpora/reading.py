"""What all readers of raw files share: lines and rows with their numbers, and the policy for malformed ones."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from attune.core.errors import AttuneError
from attune.core.files import open_parquet

if TYPE_CHECKING:
    import pyarrow as pa

BOM = b"\xef\xbb\xbf"
# What files of gzip and zstd begin with, and the program that unpacks them.
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "zstd -d"}
# The marks that such text begins with; that of UTF-32 begins with that of UTF-16, and is looked for first.
_WIDE = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class BadRow(Exception):
    """Raised by a parser for the row or line `number`; the reader passes it on to `BadRows`."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class BadRows:
    """Malformed rows: policy `error` stops at the first, `skip` counts them, so that none is dropped silently.

    first: where the first of those that are counted is, and what is wrong with it; empty before there is one.
    What sound rows have and no example is made of is counted here too. `turns_left_out`: turns, by whose or where they
    are. `without_a_reply`: conversations.
    """

    def __init__(self, policy: Literal["error", "skip"]) -> None:
        self.policy = policy
        self.count = 0
        self.first = ""
        self.turns_left_out = Counter[str]()
        self.without_a_reply = 0

    def add(self, path: Path, number: int, message: str) -> None:
        """Count row or line `number`.

        Raises
        ------
        AttuneError
            under the policy `error`, with file, line and what was expected.
        """
        if self.policy == "error":
            raise AttuneError(
                f"{location(path, number)}: {message} (`on_bad_row: skip` counts such rows and leaves them out)"
            )
        self.first = self.first or f"{location(path, number)}: {message}"
        self.count += 1

    @contextmanager
    def leaving_out(self, path: Path) -> Iterator[None]:
        """A BadRow that is raised inside ends the block and is added as `add` does."""
        try:
            yield
        except BadRow as error:
            self.add(path, error.number, str(error))


def location(path: Path, number: int) -> str:
    """`number` counts rows of a .parquet or .json file, and lines of any other file, from 1."""
    return f"{path}, {'row' if path.suffix.lower() in ('.parquet', '.json') else 'line'} {number}"


class Line(NamedTuple):
    """A line without its break, its number from 1, and where it ends in the file, in bytes."""

    number: int
    text: str
    end: int


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank with its number, from 1; errors as `placed_lines`."""
    return ((line.number, line.text) for line in placed_lines(path))


def placed_lines(path: Path) -> Iterator[Line]:
    """Each line that is not blank. Only \\n and \\r\\n break lines.

    Raises
    ------
    AttuneError
        for a file that cannot be read, for bytes that are not UTF-8, with line and offset, and as `check_content`.
    """
    end = 0
    check_content(path)
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                end += len(raw)
                text = _decode(path, number, raw.removeprefix(BOM) if number == 1 else raw)
                if text.strip():
                    yield Line(number, text, end)
    except OSError as error:
        raise AttuneError(f"{path} cannot be read: {error.strerror}") from None


def check_content(path: Path) -> None:
    """Check that a file is not what stands in a corpus file's place where fetching it went wrong.

    Raises
    ------
    AttuneError
        for a pointer of Git LFS, for a web page, for what is compressed and for text in UTF-16 or UTF-32.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(200)
    except OSError as error:
        raise AttuneError(f"{path} cannot be read: {error.strerror}") from None
    for mark, program in _COMPRESSED.items():
        if start.startswith(mark):
            raise AttuneError(f"{path} is compressed; write what `{program} < {path.name}` gives into a file")
    if encoding := _wide_encoding(start):
        name = encoding.upper().removesuffix("LE").removesuffix("BE")
        raise AttuneError(f"{path} is in {name}; convert it by `iconv -f {encoding} -t utf-8`")
    head = start.removeprefix(BOM).lstrip().lower()
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        raise AttuneError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` where it is from")
    if head.startswith((b"<!doctype html", b"<html")):
        raise AttuneError(f"{path} is a web page (HTML), not a corpus file; check the address and fetch it again")


def _wide_encoding(start: bytes) -> str:
    """What iconv calls the UTF-16 or UTF-32 of a file that begins so; empty where neither a mark nor ASCII shows it.

    Four characters are looked at: text in UTF-8 may hold a NUL, but hardly every second byte.
    """
    if marked := next((name for mark, name in _WIDE.items() if start.startswith(mark)), ""):
        return marked
    for width, name in ((4, "utf-32"), (2, "utf-16")):
        first, *others = ordered = [set(start[at : 4 * width : width]) for at in range(width)]
        if others == [{0}] * (width - 1) and 0 not in first:
            return f"{name}le"
        if ordered[:-1] == [{0}] * (width - 1) and 0 not in ordered[-1]:
            return f"{name}be"
    return ""


def csv_rows(path: Path, **dialect: Any) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, the header's among them, with the line on which it begins; an empty line has no cells.

    dialect: of csv.reader.

    Raises
    ------
    AttuneError
        for unbalanced quotes, which may swallow any number of rows, for what is not UTF-8, and as `check_content`.
    """
    number = 1
    check_content(path)
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream, strict=True, **dialect)
        try:
            for cells in reader:
                yield number, cells
                number = reader.line_num + 1
        except UnicodeDecodeError:
            for _ in placed_lines(path):  # which names the line
                pass
            raise
        except csv.Error as error:
            right = "put quotes around whole cells, and write one inside of a cell twice"
            raise AttuneError(f"{path}, in the row that begins on line {number}: {error}; {right}") from None


def _decode(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise AttuneError(
            f"{location(path, number)}: byte {error.start + 1} of the line, 0x{raw[error.start]:02x}, is not "
            "UTF-8; convert it to UTF-8 (by `iconv -f latin1 -t utf-8`, say, or as a spreadsheet saves CSV UTF-8) or "
            "fetch it again"
        ) from None


def ends_with_line_break(path: Path) -> bool:
    """False for a file that was cut off in the middle of a line; an empty file counts as complete."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 1, 0))
        return stream.read(1) in (b"\n", b"")


def parquet_rows(path: Path, columns: tuple[str, ...], batch_size: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row's number, from 1, and its `columns`; read in batches, since a corpus may be larger than memory.

    Raises
    ------
    AttuneError
        for a missing column, for a damaged file, with the last row that could be read, for values that Python has no
        type for, and as `check_content`.
    """
    import pyarrow as pa

    number = 0
    check_content(path)
    try:
        with open_parquet(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise AttuneError(f"{path} has no column {', '.join(missing)}; it must have {', '.join(columns)}")
            for batch in file.iter_batches(batch_size=batch_size, columns=list(columns)):
                for row in _row_by_row(batch):
                    number += 1
                    yield number, row
    except UnicodeDecodeError:
        raise AttuneError(f"{path}, after row {number}: text that is not UTF-8; fetch the file again") from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise AttuneError(
            f"{path}, after row {number}: not a complete parquet file ({reason}); fetch it again"
        ) from None
    except (OverflowError, ValueError) as error:
        right = "write dates, times and numbers of the columns that are read as text, or leave them out"
        raise AttuneError(f"{location(path, number + 1)}: a value that cannot be read ({error}); {right}") from None


def _row_by_row(batch: "pa.RecordBatch") -> Iterator[dict[str, Any]]:
    """All rows of a batch at once or, where one cannot be read, those before it."""
    try:
        rows = batch.to_pylist()
    except (OverflowError, ValueError):
        rows = (batch.slice(at, 1).to_pylist()[0] for at in range(batch.num_rows))
    yield from rows
