"""One's own data as a corpus: conversations of two sides, with persona, emotion and instruction where there are.

Files differ, so `attune.sources.own_data` writes them as one: a line of JSON per conversation, read here.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from attune.core.errors import AttuneError
from attune.core.people import REPLIES, greeting
from attune.core.text import repeated
from attune.corpora.base import Corpus, Own, Row, Rows, Schemas
from attune.corpora.context import context_before
from attune.corpora.reading import BadRows, lines, location

# What the notice of own data begins with.
OWN_DATA = "Own data"
FILE = "conversations.jsonl"
ALL = "all"  # the domain of all conversations, whatever others they have
SCHEMAS = Schemas(
    {
        "id": "string",
        "system": "string",  # an instruction, in the place of the generator's; may be empty
        "emotion": "string",  # may be empty
        "personas": "list<string>",  # of the responder; may be empty
        "speakers": "list<string>",  # never twice the same in a row; the last one is the responder
        "utterances": "list<string>",
        "conversation": "string",  # what rows have in common that are parts of one; may be empty
    },
    {
        "id": "string",
        "conversation": "string",
        "turn": "int32",  # the response's position in the conversation, from 0
        "system": "string",
        "emotion": "string",
        "context": "list<string>",  # oldest turn first; `context_before`
        "context_speakers": "list<string>",
        "response": "string",
        "response_speaker": "string",
        "personas": "list<string>",
        "dropped_personas": "int32",  # persona sentences that the response repeats
    },
)


def read(path: Path, _bad: BadRows) -> Iterator[Row]:
    """The conversations; they were checked when the file was written, so that no row is bad but by damage."""
    for number, line in lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            again = "`dvc checkout` brings it back, `dvc repro` writes it again"
            raise AttuneError(f"{location(path, number)} is damaged ({error}); {again}") from None
        yield row


def response_rows(conversation: Row, drop_repeated_personas: bool) -> Rows:
    """One row per turn in which the responder answers."""
    speakers, utterances, rows = conversation["speakers"], conversation["utterances"], []
    for turn in range(1, len(utterances)):
        if speakers[turn] != REPLIES:
            continue
        response, personas = utterances[turn], conversation["personas"]
        kept = [each for each in personas if not (drop_repeated_personas and repeated(each, response))]
        row = {
            "id": conversation["id"],
            "conversation": conversation.get("conversation") or "",
            "turn": turn,
            "system": conversation["system"],
            "emotion": conversation["emotion"],
            "context": context_before(utterances, turn),
            "context_speakers": context_before(speakers, turn),
            "response": response,
            "response_speaker": REPLIES,
            "personas": kept,
            "dropped_personas": len(personas) - len(kept),
        }
        rows.append(row)
    return rows


def opening(conversation: Row) -> str:
    """The situation where there is one, or else the first turn after a greeting (`core.people.greeting`)."""
    return conversation.get("situation") or conversation["utterances"][greeting(conversation["speakers"])]


def said(conversation: Row) -> str:
    """All turns: rows that say the same under several situations are copies, although their openings differ."""
    return "\n".join(conversation["utterances"])


# Under a name of their own.
OWN = Own(read, columns=("system", "persona", "emotion"))


def own_corpus(name: str) -> Corpus:
    """The record of one's own corpus `name`."""
    return Corpus(
        name=name,
        title=name,
        licence="",
        layouts=({"train": FILE},),
        read=read,
        key="id",
        opening=opening,
        said=said,
        rows=response_rows,
        schemas=SCHEMAS,
        lengths={"context": "context", "response": "response"},
        own=OWN,
    )
