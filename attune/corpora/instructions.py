"""What the instruction corpora share: conversations of questions and answers, and the rows made of them."""

from attune.corpora.base import Row, Rows, Schemas
from attune.corpora.context import context_before
from attune.corpora.question_types import question_type

SCHEMAS = Schemas(
    {
        "id": "string",
        "system": "string",
        "turns": "list<string>",  # a question, its answer, a question, ...
    },
    {
        "id": "string",
        "turn": "int32",
        "system": "string",
        "history": "list<string>",  # earlier questions and answers, oldest first; `context_before`
        "prompt": "string",
        "completion": "string",
        "kind": "string",  # ambiguous, subjective, how-to, factual or task
    },
)
LENGTHS = {"prompt": "prompt", "completion": "completion"}


def opening(conversation: Row) -> str:
    """The first question."""
    return conversation["turns"][0]


def answer_rows(conversation: Row, _drop_repeated_personas: bool = False) -> Rows:
    """One row per answer; the questions and answers before it are its history."""
    turns = conversation["turns"]
    return [
        {
            "id": conversation["id"],
            "turn": turn,
            "system": conversation["system"],
            "history": context_before(turns, turn)[:-1],
            "prompt": turns[turn - 1],
            "completion": turns[turn],
            "kind": question_type(turns[turn - 1]),
        }
        for turn in range(1, len(turns), 2)
    ]
