"""openassistant-guanaco: a line of JSON a dialogue, its turns marked `### Human:` and `### Assistant:`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attune.corpora.rows import BadRow, BadRows, lines

MARKER = re.compile(r"### (Human|Assistant):")
SHAPE = '{"text": "### Human: ...### Assistant: ..."}'


@dataclass(frozen=True)
class Dialogue:
    """Question, answer, question, answer, ...; `system` is empty, for this corpus has no system prompt."""

    system: str
    turns: tuple[str, ...]


def read(path: Path, bad: BadRows) -> Iterator[Dialogue]:
    """Genuine rows may end with an unanswered question: it is dropped if a whole pair stands before it."""
    for number, line in lines(path):
        try:
            dialogue = Dialogue("", _turns(_text(line, number), number))
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            yield dialogue


def _text(line: str, number: int) -> str:
    try:
        row = json.loads(line)
        text = row["text"] if isinstance(row, dict) else None
        if isinstance(text, str):
            text.encode("utf-8")  # JSON can spell half of a surrogate pair, which no file can hold afterwards
            return text
    except KeyError:
        raise BadRow(number, f"no key `text`; expected {SHAPE}") from None
    except (ValueError, RecursionError) as error:
        raise BadRow(number, f"not JSON in UTF-8 ({error}); expected {SHAPE}") from None
    raise BadRow(number, f"`text` is not text; expected {SHAPE}")


def _turns(text: str, number: int) -> tuple[str, ...]:
    before, *parts = MARKER.split(text)
    roles, turns = parts[0::2], [turn.strip() for turn in parts[1::2]]
    if before.strip() or roles[:1] != ["Human"]:
        raise BadRow(number, "the text does not begin with `### Human:`")
    if any(role != ("Human", "Assistant")[position % 2] for position, role in enumerate(roles)):
        raise BadRow(number, "two turns of one side in a row; expected Human and Assistant in turn")
    if len(turns) > 2 and len(turns) % 2:
        del turns[-1]
    if len(turns) < 2:
        raise BadRow(number, "a question without an answer; expected `### Assistant:` after it")
    if not all(turns):
        raise BadRow(number, f"turn {turns.index('') + 1} is empty; expected text after each marker")
    return tuple(turns)
