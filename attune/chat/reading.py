"""What the systems read of a question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attune.chat.answers import Question
from attune.chat.systems import RetrievalSystem, System
from attune.core.errors import AttuneError
from attune.core.text import words_of
from attune.core.tokens import token_ids
from attune.corpora.wording import tokenised

if TYPE_CHECKING:  # torch takes seconds to import
    from attune.generators.encoding import Prompt
    from attune.generators.prompts import Example
    from attune.inference.generator import Generator


def prompt_of(generator: "Generator", example: "Example", question: Question) -> "Prompt":
    """The prompt of the question, which `example` holds.

    Raises
    ------
    AttuneError
        if there is no room in it for the question's instruction.
    """
    prompt = generator.prompt(example)
    if question.instruction is not None and prompt.without_system:
        size = len(token_ids(generator.tokenizer, example.system.strip()))
        raise AttuneError(
            f"The system message has {size} tokens, and does not fit beside the last message into the "
            f"{generator.writing_room.prompt} tokens that this model reads; shorten it."
        )
    return prompt


def in_pecs_wording(texts: Sequence[str]) -> list[str]:
    """The texts as CoBERT and PEC's generators learned from them; one of no words stays as it is."""
    return [tokenised(text) or text for text in texts]


def given_replies(system: System, turns: Sequence[str]) -> set[str]:
    """The words of all replies before the message, the last of `turns`, in the wording in which the system replies."""
    replies = turns[-2::-2]  # every second turn back is a reply to the one before
    in_pecs = isinstance(system, RetrievalSystem) or system.tokenised
    return {words_of(reply) for reply in (in_pecs_wording(replies) if in_pecs else replies)}
