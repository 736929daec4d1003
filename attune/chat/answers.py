"""What a system is asked, its answer, and the exchanges that a conversation is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from attune.inference.sentences import ends_whole
from attune.parameters.decoding import Decoding
from attune.report.names import listed

_LIMITED = "since the model's input is limited"


@dataclass(frozen=True)
class Question:
    """The turns so far, oldest first and ending with the message to answer, and how to answer it.

    persona: sentences about the one who replies. decoding: of generators; CoBERT's retrieval has none. attempt:
    another number gives another reply, the same number the same reply. instruction: in the place of the one that the
    generator was trained with. varied: a reply that was given before is written again, and another attempt samples;
    otherwise `decoding` counts as it is. limit: the most tokens of the reply, where it is lower than the generator's
    own.
    """

    turns: Sequence[str]
    persona: Sequence[str]
    decoding: Decoding
    attempt: int = 0
    instruction: str | None = None
    varied: bool = True
    limit: int | None = None


@dataclass(frozen=True)
class RetrievedText:
    """A retrieved passage or reply.

    score: CoBERT's, or the index's cosine where CoBERT did not order the texts. used: whether the text is in the
    prompt or, for a system that retrieves its reply, is the reply.
    """

    text: str
    score: float
    used: bool


@dataclass(frozen=True)
class Answer:
    """A reply, complete once `done`.

    truncated: the reply reached the length limit before it ended. dropped_turns: how many of the oldest turns did
    not fit into the model's input. dropped_sentences: as many of the persona. whole_persona: whether CoBERT, if it
    was asked, read all of it. unread: what was not read of the message, a phrase each. loading: what is still being
    loaded, while there is no text yet. prompt_tokens: those of the generator's prompt; tokens: those that it has
    written. uncut: all that it has written, of which `text` may lack the end.
    """

    text: str = ""
    done: bool = False
    truncated: bool = False
    retrieved: tuple[RetrievedText, ...] = ()
    dropped_turns: int = 0
    dropped_sentences: int = 0
    whole_persona: bool = True
    unread: tuple[str, ...] = ()
    loading: tuple[str, ...] = ()
    prompt_tokens: int = 0
    tokens: int = 0
    uncut: str = ""

    @property
    def loading_note(self) -> str:
        """What is being loaded, a phrase."""
        return f"loading {listed(self.loading)}; this takes some seconds, the first time only"

    def notes(self) -> list[str]:
        """What people should know about the answer, a phrase each."""
        notes = []
        if self.dropped_turns:
            turns = "turn was" if self.dropped_turns == 1 else f"{self.dropped_turns} turns were"
            notes.append(f"the oldest {turns} left out, {_LIMITED}")
        if self.dropped_sentences:
            count = self.dropped_sentences
            sentences = "1 sentence of the persona was" if count == 1 else f"{count} sentences of the persona were"
            notes.append(f"{sentences} left out, {_LIMITED}")
        if not self.whole_persona:
            notes.append("CoBERT did not read all of the persona")
        notes += self.unread
        if self.done and self.truncated:
            end = "after its last whole sentence" if ends_whole(self.text) else "in mid-sentence"
            notes.append(f"the reply reached the length limit; it ends {end}")
        if self.done and not self.text:
            notes.append("the reply is empty")
        return notes


def unread(prompt: bool = True, search: bool = True, cobert: bool = True) -> tuple[str, ...]:
    """A phrase for each that did not read the whole message: the generator, the index, and CoBERT.

    The first two keep the message's end, CoBERT its beginning.
    """
    phrases = (
        (prompt, f"the beginning of the message was left out, {_LIMITED}"),
        (search, "what suits the message was looked up by its end alone"),
        (cobert, "CoBERT read only the beginning of the message"),
    )
    return tuple(phrase for whole, phrase in phrases if not whole)


@dataclass(frozen=True)
class Exchange:
    """A message and its reply, which is empty until there is one.

    `attempt` counts the replies of the same system before it. system: which one replies. answered: whether it has,
    if only with nothing. byline: its name in words, and the time that it took.
    """

    message: str
    reply: str = ""
    attempt: int = 0
    system: str = field(default="", compare=False)
    answered: bool = field(default=False, compare=False)
    byline: str = field(default="", compare=False)

    def again(self, system: str) -> "Exchange":
        """The message for `system` to answer: with another reply if that is the system that has replied."""
        attempt = self.attempt + self.answered if self.system == system else 0
        return Exchange(self.message, attempt=attempt, system=system)


def answered_turns(exchanges: Iterable[Exchange]) -> list[str]:
    """The turns of the exchanges, oldest first; a message that got no reply is left out."""
    return [text for each in exchanges if each.reply for text in (each.message, each.reply)]
