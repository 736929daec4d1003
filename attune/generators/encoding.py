"""Examples as token ids, cut to a length such that the reply and the last question remain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from attune.generators.prompts import Example, prompt_text, reply_text


@dataclass(frozen=True)
class Encoded:
    """The prompt's token ids and the reply's with its final eos; the two joined are what a model reads.

    `passages` are those that the prompt holds.
    """

    id: str
    prompt: list[int]
    reply: list[int]
    passages: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.reply)


class Prompt(NamedTuple):
    """Token ids, the passages that they hold, and how many turns of the history they keep, the last ones.

    `shortened`: the question alone had no room, and lost its beginning.
    """

    ids: list[int]
    passages: list[str]
    turns: int
    shortened: bool = False


@dataclass(frozen=True)
class Room:
    """Limits in tokens: of the prompt alone, of its passages together, and of both."""

    prompt: int
    passages: int = 0
    whole: int | None = None

    def __sub__(self, tokens: int) -> "Room":
        """What a reply of that many tokens leaves."""
        return Room(self.prompt - tokens, self.passages, None if self.whole is None else self.whole - tokens)


def encode(example: Example, tokenizer: Any, room: Room) -> Encoded:
    """Prompt and reply in `room` together; a reply over half of the room without passages loses its end and eos."""
    reply = [*_ids(tokenizer, reply_text(example, tokenizer)), tokenizer.eos_token_id][: room.prompt // 2]
    prompt = encode_prompt(example, tokenizer, room - len(reply))
    return Encoded(example.id, prompt.ids, reply, tuple(prompt.passages))


def encode_all(examples: Sequence[Example], tokenizer: Any, room: Room) -> list[Encoded]:
    return [encode(example, tokenizer, room) for example in examples]


def encode_prompt(example: Example, tokenizer: Any, room: Room) -> Prompt:
    """The longest prompt of whole exchanges in `room`, at worst the end of the question.

    Passages come in where they fit beside what was said, each whole or not at all: they never push any of it out.
    """
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    own = room.prompt - len(first)
    for kept, system in _cuts(example):
        ids = _ids(tokenizer, prompt_text(example, kept, system, (), tokenizer))
        if len(ids) <= own:
            ids, passages = _with_passages(example, kept, system, ids, tokenizer, room - len(first))
            return Prompt(first + ids, passages, kept)
    return Prompt(first + ids[-own:], [], 0, shortened=True)


def _with_passages(
    example: Example, kept: int, system: bool, alone: list[int], tokenizer: Any, room: Room
) -> tuple[list[int], list[str]]:
    passages = _within(example.passages, tokenizer, room.passages)
    whole = len(alone) + room.passages if room.whole is None else room.whole
    while passages:
        ids = _ids(tokenizer, prompt_text(example, kept, system, passages, tokenizer))
        if len(ids) <= whole:
            return ids, passages
        passages.pop()
    return alone, []


def _within(passages: Sequence[str], tokenizer: Any, budget: int) -> list[str]:
    """The passages, best first, that fit into `budget` tokens together; one that is too long is left out."""
    kept = []
    for passage in passages:
        size = len(_ids(tokenizer, passage))
        if size <= budget:
            kept.append(passage)
            budget -= size
    return kept


def _cuts(example: Example) -> Iterator[tuple[int, bool]]:
    """Turns of history to keep, and whether the system text stays: the oldest exchange goes first."""
    whole = len(example.history) // 2 * 2
    yield from ((kept, True) for kept in range(whole, -1, -2))
    yield 0, False


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
