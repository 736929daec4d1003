"""openassistant-guanaco: a line of JSON a dialogue, its turns marked `### Human:` and `### Assistant:`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attune.corpora.reading import BadRow, BadRows, lines

MARKER = re.compile(r"### (Human|Assistant):")
SHAPE = '{"text": "### Human: ...### Assistant: ..."}'


@dataclass(frozen=True)
class Dialogue:
    """Question, answer, question, answer, ...; `system` is empty, for this corpus has no system prompt."""

    system: str
    turns: tuple[str, ...]


def read(path: Path, bad: BadRows) -> Iterator[Dialogue]:
    """The whole pairs of question and answer that each row begins with.

    Genuine rows may end with an unanswered question, have an empty turn or two turns of one side in a row: the first
    two end the dialogue before that pair, the last are one turn of several lines. A row without a whole pair is bad.
    """
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
    if before.strip() or parts[:1] != ["Human"]:
        raise BadRow(number, "the text does not begin with `### Human:`")
    turns: list[str] = []
    for position, (role, said) in enumerate(zip(parts[0::2], parts[1::2], strict=True)):
        if position and role == parts[2 * position - 2]:
            turns[-1] = f"{turns[-1]}\n{said.strip()}".strip()
        else:
            turns.append(said.strip())
    whole = turns.index("") if "" in turns else len(turns)
    whole -= whole % 2
    if not whole:
        raise BadRow(number, "no question with an answer; expected text after `### Human:` and `### Assistant:`")
    return tuple(turns[:whole])
