"""EmpatheticDialogues: one utterance a row, in the original csv or in the hub's parquet conversion of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from attune.core.errors import AttuneError
from attune.corpora.reading import BadRow, BadRows, lines, parquet_rows

COLUMNS = ("conv_id", "utterance_idx", "context", "prompt", "speaker_idx", "utterance", "selfeval", "tags")
TELLS, LISTENS = 0, 1


@dataclass(frozen=True)
class Dialogue:
    """`speakers` holds 0 for who tells (speaks first) and 1 for who listens; one may speak twice in a row."""

    conv_id: str
    emotion: str
    situation: str
    speakers: tuple[int, ...]
    utterances: tuple[str, ...]


class Row(NamedTuple):
    number: int
    values: list[str]


class Turn(NamedTuple):
    number: int
    position: int
    emotion: str
    situation: str
    speaker: str
    utterance: str


def read(path: Path, bad: BadRows) -> Iterator[Dialogue]:
    """Dialogues in file order, one held at a time. One malformed row leaves its whole dialogue out."""
    seen: set[str] = set()
    rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    for conv_id, group in groupby(rows, key=lambda row: row.values[0]):
        block = list(group)
        try:
            dialogue = _dialogue(conv_id, block, seen)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            yield dialogue
        seen.add(conv_id)


def _csv(path: Path) -> Iterator[Row]:
    """Split at every comma: quotes mean nothing here; reading them as csv does swallows 9 % of the rows."""
    rows = lines(path)
    header = next(rows, (1, ""))[1]
    if tuple(header.split(",")) != COLUMNS:
        raise AttuneError(f"{path}, line 1: the header is {header[:200]!r}; expected {','.join(COLUMNS)}")
    for number, line in rows:
        yield Row(number, line.split(","))


def _parquet(path: Path) -> Iterator[Row]:
    for number, row in parquet_rows(path, COLUMNS, batch_size=4096):
        yield Row(number, ["" if row[name] is None else str(row[name]) for name in COLUMNS])


def _dialogue(conv_id: str, rows: list[Row], seen: set[str]) -> Dialogue:
    if conv_id in seen:
        raise BadRow(rows[0].number, f"dialogue {conv_id!r} comes back; expected its rows one after another")
    turns = sorted((_turn(row) for row in rows), key=lambda turn: turn.position)
    for before, turn in pairwise(turns):
        if turn.position != before.position + 1:
            raise BadRow(
                turn.number,
                f"utterance_idx {turn.position} after {before.position}; expected {before.position + 1}",
            )
    first = turns[0]
    others = {turn.speaker: turn.number for turn in reversed(turns) if turn.speaker != first.speaker}
    if len(others) > 1:
        raise BadRow(max(others.values()), f"a third speaker in dialogue {conv_id!r}; expected two")
    return Dialogue(
        conv_id,
        first.emotion,
        first.situation,
        tuple(TELLS if turn.speaker == first.speaker else LISTENS for turn in turns),
        tuple(turn.utterance for turn in turns),
    )


def _turn(row: Row) -> Turn:
    if len(row.values) != len(COLUMNS):
        raise BadRow(row.number, f"{len(row.values) - 1} commas; expected 7 (a comma in text is written _comma_)")
    values = dict(zip(COLUMNS[:6], map(_text, row.values), strict=False))
    for name, value in values.items():
        if not value:
            raise BadRow(row.number, f"{name} is empty; expected text")
        if "\n" in value:
            raise BadRow(row.number, f"{name} holds a line break: rows swallowed by csv quoting; expected one line")
    index = values["utterance_idx"]
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise BadRow(row.number, f"utterance_idx is {index!r}; expected a whole number")
    return Turn(
        row.number,
        int(index),
        values["context"],
        values["prompt"],
        values["speaker_idx"],
        values["utterance"],
    )


def _text(value: str) -> str:
    return value.replace("_comma_", ",").strip()
