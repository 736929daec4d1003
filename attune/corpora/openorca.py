"""OpenOrca's parquet: a system prompt, a question and a response a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.corpora.reading import BadRow, BadRows, parquet_rows

COLUMNS = ("id", "system_prompt", "question", "response")


@dataclass(frozen=True)
class Row:
    """`system` may be empty, `question` and `response` are not."""

    id: str
    system: str
    question: str
    response: str


def read(path: Path, bad: BadRows, batch_size: int = 1024) -> Iterator[Row]:
    for number, values in parquet_rows(path, COLUMNS, batch_size):
        try:
            row = _row(number, values)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            yield row


def _row(number: int, values: dict[str, Any]) -> Row:
    for name in COLUMNS:
        if not isinstance(values[name], str | None):
            raise BadRow(number, f"{name} is {values[name]!r}; expected text")
    for name in ("id", "question", "response"):
        if not (values[name] or "").strip():
            raise BadRow(number, f"{name} is empty; expected text")
    return Row(values["id"], values["system_prompt"] or "", values["question"], values["response"])
