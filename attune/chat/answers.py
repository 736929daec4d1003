"""What a system answers."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """A retrieved text with its score; `read`: whether it stands in the prompt, or is the reply."""

    text: str
    score: float
    read: bool


def answered(exchanges: Iterable[tuple[str, str]]) -> list[str]:
    """The turns of (message, reply) as a system is given them, without exchanges that got no reply."""
    return [text for exchange in exchanges if exchange[1] for text in exchange]


@dataclass(frozen=True)
class Answer:
    """A reply, whole once `done`. `cut`: the length limit ended it.

    `forgotten`: the oldest turns that no longer fit into what is read; `shortened`: not even all of the last one did.
    `loading`: the models are being read into memory, and there is no text yet.
    """

    text: str = ""
    done: bool = False
    cut: bool = False
    found: tuple[Found, ...] = ()
    forgotten: int = 0
    shortened: bool = False
    loading: bool = False

    def notes(self) -> list[str]:
        """What there is to know about it beside its text."""
        found = []
        if self.forgotten:
            turns = "turn no longer fits" if self.forgotten == 1 else f"{self.forgotten} turns no longer fit"
            found.append(f"the oldest {turns} into what it reads")
        if self.shortened:
            found.append("the beginning of the message does not fit into what it reads, and is left out")
        if self.done and self.cut:
            found.append("the reply was cut at the length limit")
        if self.done and not self.text:
            found.append("it had nothing to say")
        return found
