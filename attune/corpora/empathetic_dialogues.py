"""EmpatheticDialogues (Rashkin et al. 2019): a speaker tells about a situation, a listener replies.

One row per utterance, in the original csv or in the hub's parquet conversion of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from attune.core.errors import AttuneError
from attune.core.people import REPLIES
from attune.corpora.base import Corpus, Own, Row, Rows, Schemas
from attune.corpora.context import context_before
from attune.corpora.own import opening as own_opening
from attune.corpora.own import read as read_own
from attune.corpora.reading import BadRow, BadRows, lines, parquet_rows

COLUMNS = ("conv_id", "utterance_idx", "context", "prompt", "speaker_idx", "utterance", "selfeval", "tags")
_NUMBERS = ("conv_id", "utterance_idx", "speaker_idx")  # what may be numbers in parquet
# What `selfeval` holds: both sides' marks, such as 5|5|5_2|2|5; it may be empty.
_MARKS = re.compile(r"([\d_]*\|[\d|_]*)?")
SPEAKER, LISTENER = 0, 1


@dataclass(frozen=True)
class Dialogue:
    """speakers: 0 for the speaker, who begins, 1 for the listener; either may speak twice in a row."""

    conv_id: str
    emotion: str
    situation: str
    speakers: tuple[int, ...]
    utterances: tuple[str, ...]


class Record(NamedTuple):
    """`wrong`: what is not text in it; empty where all is."""

    number: int
    values: list[str]
    wrong: str = ""


class Turn(NamedTuple):
    number: int
    position: int
    emotion: str
    situation: str
    speaker: str
    utterance: str


def read(path: Path, bad: BadRows) -> Iterator[Dialogue]:
    """Dialogues in file order, one held at a time. A malformed row leaves its whole dialogue out."""
    seen: set[str] = set()
    rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    for conv_id, group in groupby(rows, key=lambda row: row.values[0]):
        block = list(group)
        with bad.leaving_out(path):
            yield _dialogue(conv_id, block, seen)
        seen.add(conv_id)


def _csv(path: Path) -> Iterator[Record]:
    """Split at every comma: quotes are plain characters here, and a csv reader would swallow 9 % of the rows.

    In the original valid.csv and test.csv rows may have a ninth cell, without a name in the header: replies to choose
    from, divided by bars.
    """
    rows = lines(path)
    header = next(rows, (1, ""))[1]
    names = tuple(header.split(","))
    if names[: len(COLUMNS)] != COLUMNS or len(names) > len(COLUMNS) + 1:
        raise AttuneError(f"{path}, line 1: the header is {header[:200]!r}; expected {','.join(COLUMNS)}")
    for number, line in rows:
        values = line.split(",")
        yield Record(number, values[: len(COLUMNS)] if _has_candidates(values) else values)


def _has_candidates(values: list[str]) -> bool:
    """Whether a ninth cell holds candidates: with a comma that stands in a text, `selfeval` has the text's end."""
    return len(values) == len(COLUMNS) + 1 and ("|" in values[-1] or _MARKS.fullmatch(values[6]) is not None)


def _parquet(path: Path) -> Iterator[Record]:
    for number, row in parquet_rows(path, COLUMNS, batch_size=4096):
        yield Record(number, ["" if row[name] is None else str(row[name]) for name in COLUMNS], _wrong(row))


def _wrong(row: Row) -> str:
    """The first cell of a parquet file's row that is not what it would be in the csv."""
    for name, cell in row.items():
        if not isinstance(cell, str | int | None if name in _NUMBERS else str | None):
            expected = "text or a whole number" if name in _NUMBERS else "text"
            return f"{name} is {str(cell)[:80]!r}; expected {expected}"
    return ""


def _dialogue(conv_id: str, rows: list[Record], seen: set[str]) -> Dialogue:
    if conv_id in seen:
        raise BadRow(rows[0].number, f"dialogue {conv_id!r} appears a second time; expected its rows one after another")
    turns = sorted((_turn(row) for row in rows), key=lambda turn: turn.position)
    first = turns[0]
    if first.position > 0 and first.position % 2 == 0:  # the listener would be taken for the speaker
        wrong = f"begins with the listener's utterance_idx {first.position}; expected the speaker's, which is 1"
        raise BadRow(first.number, f"dialogue {conv_id!r} {wrong}")
    for before, turn in pairwise(turns):
        if turn.position != before.position + 1:
            raise BadRow(
                turn.number,
                f"utterance_idx {turn.position} after {before.position}; expected {before.position + 1}",
            )
    others = {turn.speaker: turn.number for turn in reversed(turns) if turn.speaker != first.speaker}
    if len(others) > 1:
        raise BadRow(max(others.values()), f"a third speaker in dialogue {conv_id!r}; expected two")
    return Dialogue(
        conv_id,
        first.emotion,
        first.situation,
        tuple(SPEAKER if turn.speaker == first.speaker else LISTENER for turn in turns),
        tuple(turn.utterance for turn in turns),
    )


def _turn(row: Record) -> Turn:
    if row.wrong:
        raise BadRow(row.number, row.wrong)
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


def conversations(path: Path, bad: BadRows) -> Iterator[Row]:
    """The dialogues of one raw file in which the listener replies, as rows of the conversation schema.

    No example is made of the others: drawn, they would take the place of those that give one.
    """
    for dialogue in read(path, bad):
        if LISTENER in dialogue.speakers:
            yield {
                "conv_id": dialogue.conv_id,
                "emotion": dialogue.emotion,
                "situation": dialogue.situation,
                "speakers": list(dialogue.speakers),
                "utterances": list(dialogue.utterances),
            }
        else:
            bad.without_a_reply += 1


def own_dialogues(path: Path, bad: BadRows) -> Iterator[Row]:
    """One's own conversations as rows of the conversation schema; without a situation `own.opening` stands for it."""
    for each in read_own(path, bad):
        yield {
            "conv_id": each["id"],
            "emotion": each["emotion"],
            "situation": own_opening(each),
            "speakers": [LISTENER if speaker == REPLIES else SPEAKER for speaker in each["speakers"]],
            "utterances": each["utterances"],
            "conversation": each.get("conversation", ""),
        }


def situation(conversation: Row) -> str:
    """What the conversation is about, in the speaker's words."""
    return conversation["situation"]


def reply_rows(conversation: Row, _drop_repeated_personas: bool = False) -> Rows:
    """One row per turn in which the listener answers the speaker: `target` is that turn, never part of the input."""
    speakers, utterances = conversation["speakers"], conversation["utterances"]
    return [
        {
            "conv_id": conversation["conv_id"],
            "turn": turn,
            "context": conversation["emotion"],
            "situation": conversation["situation"],
            "speakers": context_before(speakers, turn),
            "history": context_before(utterances, turn)[:-1],
            "input": utterances[turn - 1],
            "target": utterances[turn],
        }
        for turn in range(1, len(utterances))
        if speakers[turn] == LISTENER and speakers[turn - 1] == SPEAKER
    ]


EMPATHETIC_DIALOGUES = Corpus(
    name="empathetic_dialogues",
    title="EmpatheticDialogues",
    licence="cc-by-nc-4.0",
    place="facebook/empathetic_dialogues",
    layouts=(
        {"train": "train.csv", "valid": "valid.csv", "test": "test.csv"},
        {
            "train": "default/train/0000.parquet",
            "valid": "default/validation/0000.parquet",
            "test": "default/test/0000.parquet",
        },
    ),
    read=conversations,
    key="conv_id",
    opening=situation,
    rows=reply_rows,
    schemas=Schemas(
        {
            "conv_id": "string",
            "emotion": "string",
            "situation": "string",
            "speakers": "list<int32>",  # 0 for the speaker, 1 for the listener
            "utterances": "list<string>",
        },
        {
            "conv_id": "string",
            "turn": "int32",  # the target's position in the conversation, from 0
            "context": "string",  # the emotion, under the corpus' own name for that column
            "situation": "string",
            "speakers": "list<int32>",  # of `history` and `input`: 0 for the speaker, 1 for the listener
            "history": "list<string>",  # the turns before `input`, oldest first; `context_before`
            "input": "string",  # the speaker's last turn
            "target": "string",  # the listener's reply
        },
    ),
    lengths={"input": "input", "target": "target"},
    indexed=True,
    own=Own(own_dialogues, columns=("emotion", "situation"), needed=("emotion",)),
)
