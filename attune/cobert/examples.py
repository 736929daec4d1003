"""Training and test examples: a context, a persona and the true reply as token sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attune.cobert.inputs import Inputs, TokenSequence
from attune.core.text import repeated


@dataclass(frozen=True)
class Example:
    """`context`, `persona` and the true `response` of one context; `id` as in the data."""

    id: str
    context: TokenSequence
    persona: TokenSequence
    response: TokenSequence


def examples(rows: Sequence[dict[str, Any]], inputs: Inputs) -> list[Example]:
    """One example per row with id, context (turns), context_speakers, personas (sentences) and response.

    Rows without speakers are of two people who take turns.
    """
    return [
        Example(
            row["id"],
            inputs.context(row["context"], row.get("context_speakers")),
            inputs.persona(row["personas"]),
            inputs.response(row["response"]),
        )
        for row in rows
    ]


def every_turn(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for every turn that answers another, each a response to learn; the last of a conversation is unchanged.

    The persona belongs to the speaker of the last turn, so that speaker's earlier turns have it too, without the
    sentences that the turn repeats, whatever `preprocess.drop_repeated_personas` says about the last one. The other
    speakers' personas are unknown: their turns have none.
    """
    expanded = []
    for row in rows:
        for turn in range(1, len(row["context"])):
            reply = row["context"][turn]
            same_speaker = row["context_speakers"][turn] == row["response_speaker"]
            personas = [each for each in row["personas"] if not repeated(each, reply)] if same_speaker else []
            earlier = {"id": f"{row['id']}#{turn}", "context": row["context"][:turn], "response": reply}
            earlier["context_speakers"] = row["context_speakers"][:turn]
            expanded.append(row | earlier | {"personas": personas})
        expanded.append(row)
    return expanded
