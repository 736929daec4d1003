"""From conversations to rows that a model learns from: a context and its reply, a question and its answer."""

from typing import Any

from attune.core.text import repeated
from attune.corpora.question_types import kind_of


def pec_row(conversation: dict[str, Any], drop_repeated_personas: bool) -> dict[str, Any]:
    """Context, response and the responder's persona; the last turn is the response (PEC's own rule)."""
    *context, response = conversation["utterances"]
    personas = [
        sentence
        for sentence in conversation["personas"]
        if not (drop_repeated_personas and repeated(sentence, response))
    ]
    return {
        "id": conversation["id"],
        "domain": conversation["domain"],
        "context": context,
        "context_speakers": conversation["speakers"][:-1],
        "response": response,
        "response_speaker": conversation["speakers"][-1],
        "personas": personas,
        "dropped_personas": len(conversation["personas"]) - len(personas),
    }


def reply_rows(dialogue: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each turn of the listener that answers the speaker: `target` is that turn, never in the input."""
    speakers, utterances = dialogue["speakers"], dialogue["utterances"]
    return [
        {
            "conv_id": dialogue["conv_id"],
            "turn": turn,
            "context": dialogue["emotion"],
            "situation": dialogue["situation"],
            "history": utterances[: turn - 1],
            "input": utterances[turn - 1],
            "target": utterances[turn],
        }
        for turn in range(1, len(utterances))
        if speakers[turn] == 1 and speakers[turn - 1] == 0
    ]


def instruction_rows(dialogue: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each answer; earlier questions and answers are its history."""
    turns = dialogue["turns"]
    return [
        {
            "id": dialogue["id"],
            "turn": turn,
            "system": dialogue["system"],
            "history": turns[: turn - 1],
            "prompt": turns[turn - 1],
            "completion": turns[turn],
            "kind": kind_of(turns[turn - 1]),
        }
        for turn in range(1, len(turns), 2)
    ]
