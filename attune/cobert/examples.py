"""What CoBERT learns from: a context, a persona and the reply that was given, as token sequences."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

from attune.cobert.inputs import Inputs, Sequence
from attune.core.text import repeated


@dataclass(frozen=True)
class Example:
    id: str
    context: Sequence
    persona: Sequence
    response: Sequence


def examples(rows: Many[dict[str, Any]], inputs: Inputs) -> list[Example]:
    """One example a row of the PEC schema."""
    return [
        Example(
            row["id"], inputs.context(row["context"]), inputs.persona(row["personas"]), inputs.response(row["response"])
        )
        for row in rows
    ]


def every_turn(rows: Many[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the PEC schema for every turn of their conversations that answers another, the last one as it was.

    Who replies last has the persona in all own turns, less the sentences that the turn repeats; of the others none is
    known.
    """
    found = []
    for row in rows:
        for turn in range(1, len(row["context"])):
            reply = row["context"][turn]
            own = row["context_speakers"][turn] == row["response_speaker"]
            personas = [each for each in row["personas"] if not repeated(each, reply)] if own else []
            changed = {"id": f"{row['id']}#{turn}", "context": row["context"][:turn], "response": reply}
            found.append(row | changed | {"personas": personas})
        found.append(row)
    return found
