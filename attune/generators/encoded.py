"""Prompts and replies as token ids, and several replies of a conversation as one row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

IGNORED = -100  # cross-entropy's label for positions that are not scored


@dataclass(frozen=True)
class Encoded:
    """The token ids of a prompt and of its reply with the token that ends it; a model reads them joined.

    passages: those that the prompt includes.
    """

    id: str
    prompt: list[int]
    reply: list[int]
    passages: tuple[str, ...] = ()

    @property
    def ids(self) -> list[int]:
        return self.prompt + self.reply

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.reply)

    def continues(self, before: "Encoded") -> bool:
        """Whether the prompt begins as another row's prompt and reply do, without the token that ends it.

        After a reply in a prompt, another token may stand in that one's place.
        """
        return len(self.prompt) >= before.length and self.prompt[: before.length - 1] == before.ids[:-1]


@dataclass(frozen=True)
class Joined:
    """Rows each of which continues the one before, read as one: the ids of the last, and the tokens to be predicted.

    A causal model computes the same for a token whatever follows it, so each reply's loss is what it is alone, while
    the turns that the rows share are computed once. labels: as long as `ids`, IGNORED outside replies; the token that
    ends a reply may be another one than the next of the ids.
    """

    ids: list[int]
    labels: list[int]

    @classmethod
    def of(cls, rows: Sequence[Encoded]) -> "Joined":
        labels = [IGNORED] * rows[-1].length
        for row in rows:
            labels[len(row.prompt) : row.length] = row.reply
        return cls(rows[-1].ids, labels)

    @property
    def length(self) -> int:
        return len(self.ids)


def chains(rows: Iterable[Encoded]) -> list[list[Encoded]]:
    """The rows in their order, those that continue the one before together with it."""
    found: list[list[Encoded]] = []
    for row in rows:
        if found and row.continues(found[-1][-1]):
            found[-1].append(row)
        else:
            found.append([row])
    return found
