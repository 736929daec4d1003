"""What the four readers share: lines and rows with their numbers, and what becomes of a malformed one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from attune.core.errors import AttuneError

BOM = b"\xef\xbb\xbf"


class BadRow(Exception):
    """Raised by a parser for the row or line `number`; a reader hands it to `BadRows`."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class BadRows:
    """Policy `error` stops at the first malformed row; `skip` counts it, so that none is lost unseen."""

    def __init__(self, policy: Literal["error", "skip"]) -> None:
        self.policy = policy
        self.count = 0

    def add(self, path: Path, line: int, message: str) -> None:
        if self.policy == "error":
            raise AttuneError(f"{place(path, line)}: {message} (corpora.on_bad_row: skip counts such rows and goes on)")
        self.count += 1


def place(path: Path, number: int) -> str:
    return f"{path}, {'row' if path.suffix == '.parquet' else 'line'} {number}"


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, and its number from 1. Only \\n and \\r\\n break lines."""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                text = _decode(path, number, raw.removeprefix(BOM) if number == 1 else raw)
                if text.strip():
                    yield number, text
    except OSError as error:
        raise AttuneError(f"{path} cannot be read: {error.strerror}") from None


def _decode(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise AttuneError(
            f"{place(path, number)}: byte {error.start + 1} of the line, 0x{raw[error.start]:02x}, is not "
            "UTF-8; convert the file to UTF-8 or fetch it again"
        ) from None


def ends_whole(path: Path) -> bool:
    """Whether the last line has its line break; a file cut in the middle of a line has not."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 1, 0))
        return stream.read(1) in (b"\n", b"")


def parquet_rows(path: Path, columns: tuple[str, ...], batch_size: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row's `columns` and its number from 1, read batch by batch: a corpus may be larger than memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise AttuneError(f"{path} has no column {', '.join(missing)}; it must have {', '.join(columns)}")
            for batch in file.iter_batches(batch_size=batch_size, columns=list(columns)):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except UnicodeDecodeError:
        raise AttuneError(f"{path}, after row {number}: text that is not UTF-8; fetch the file again") from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise AttuneError(f"{path}, after row {number}: not a whole parquet file ({reason}); fetch it again") from None
