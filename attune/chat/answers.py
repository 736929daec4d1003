"""What a system is asked, its answer, and the exchanges that a conversation is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from attune.parameters.decoding import Decoding


def listed(phrases: Sequence[str]) -> str:
    """a, b and c."""
    *others, last = phrases
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True)
class Question:
    """The turns so far, oldest first and ending with the message to answer, and how to answer it.

    `instruction`: in the place of the one that the generator was trained with. `varied`: a reply that was given before
    is written again, and another attempt samples; otherwise `decoding` counts as it is.
    """

    turns: list[str]
    persona: list[str]
    decoding: Decoding
    attempt: int
    instruction: str | None = None
    varied: bool = True


@dataclass(frozen=True)
class RetrievedText:
    """A retrieved passage or reply.

    `score`: CoBERT's, or the index's cosine where CoBERT did not order the texts. `used`: whether the text is in the
    prompt or, for a system that retrieves its reply, is the reply.
    """

    text: str
    score: float
    used: bool


@dataclass(frozen=True)
class Answer:
    """A reply, complete once `done`.

    `truncated`: the reply reached the length limit before it ended. `dropped_turns`: how many of the oldest turns did
    not fit into the model's input. `message_shortened`: even the message alone did not fit, and lost its beginning.
    `loading`: what is still being loaded, while there is no text yet. `prompt_tokens`: those of the generator's prompt.
    """

    text: str = ""
    done: bool = False
    truncated: bool = False
    retrieved: tuple[RetrievedText, ...] = ()
    dropped_turns: int = 0
    message_shortened: bool = False
    loading: tuple[str, ...] = ()
    prompt_tokens: int = 0

    @property
    def loading_note(self) -> str:
        """What is being loaded, a phrase."""
        return f"loading {listed(self.loading)}; this takes some seconds, the first time only"

    def notes(self) -> list[str]:
        """What people should know about the answer, a phrase each."""
        notes = []
        if self.dropped_turns:
            turns = "turn was" if self.dropped_turns == 1 else f"{self.dropped_turns} turns were"
            notes.append(f"the oldest {turns} left out, since the model's input is limited")
        if self.message_shortened:
            notes.append("the beginning of the message was left out, since the model's input is limited")
        if self.done and self.truncated:
            notes.append("the reply reached the length limit; it ends after its last whole sentence")
        if self.done and not self.text:
            notes.append("the reply is empty")
        return notes


@dataclass(frozen=True)
class Exchange:
    """A message and its reply, which is empty until there is one; `attempt` counts the retries before it.

    `byline`: which system replied, and in what time.
    """

    message: str
    reply: str = ""
    attempt: int = 0
    byline: str = field(default="", compare=False)


def answered_turns(exchanges: Iterable[Exchange]) -> list[str]:
    """The turns of the exchanges, oldest first; a message that got no reply is left out."""
    return [text for each in exchanges if each.reply for text in (each.message, each.reply)]
