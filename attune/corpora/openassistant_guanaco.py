"""openassistant-guanaco (Dettmers et al. 2023): the best-rated branches of OASST1's conversations.

One line of JSON per dialogue, whose turns are marked `### Human:` and `### Assistant:`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from attune.corpora.base import Corpus, Row
from attune.corpora.instructions import LENGTHS, SCHEMAS, answer_rows, opening
from attune.corpora.reading import BadRow, BadRows, lines
from attune.corpora.subsets import digest

MARKER = re.compile(r"### (Human|Assistant):")
AFTER = "unanswered or after an empty turn"
SHAPE = '{"text": "### Human: ...### Assistant: ..."}'


def read(path: Path, bad: BadRows) -> Iterator[tuple[str, ...]]:
    """Question, answer, question, answer, ...: the pairs with which each row begins.

    Published rows may end with an unanswered question, or have an empty turn or two turns of one side in a row. An
    unanswered question or an empty turn ends the dialogue before that pair; two turns of one side are read as one
    turn of several lines. `bad.turns_left_out` counts what comes after. A row without a complete pair is malformed.
    """
    for number, line in lines(path):
        with bad.leaving_out(path):
            yield _turns(_text(line, number), number, bad)


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


def _turns(text: str, number: int, bad: BadRows) -> tuple[str, ...]:
    before, *parts = MARKER.split(text)
    if before.strip() or parts[:1] != ["Human"]:
        raise BadRow(number, "the text does not begin with `### Human:`")
    turns: list[str] = []
    for position, (role, turn) in enumerate(zip(parts[0::2], parts[1::2], strict=True)):
        if position and role == parts[2 * position - 2]:
            turns[-1] = f"{turns[-1]}\n{turn.strip()}".strip()
        else:
            turns.append(turn.strip())
    complete = turns.index("") if "" in turns else len(turns)
    complete -= complete % 2
    if not complete:
        raise BadRow(number, "no question with an answer; expected text after `### Human:` and `### Assistant:`")
    if rest := sum(map(bool, turns[complete:])):
        bad.turns_left_out[AFTER] += rest
    return tuple(turns[:complete])


def conversations(path: Path, bad: BadRows) -> Iterator[Row]:
    """The dialogues of one raw file as rows of the conversation schema."""
    for turns in read(path, bad):
        yield {"id": digest(*turns), "system": "", "turns": list(turns)}


OPENASSISTANT_GUANACO = Corpus(
    name="openassistant_guanaco",
    title="guanaco",
    licence="apache-2.0",
    place="timdettmers/openassistant-guanaco",
    layouts=({"train": "openassistant_best_replies_train.jsonl", "eval": "openassistant_best_replies_eval.jsonl"},),
    read=conversations,
    key="id",
    opening=opening,
    rows=answer_rows,
    schemas=SCHEMAS,
    lengths=LENGTHS,
)
