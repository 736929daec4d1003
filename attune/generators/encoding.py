"""Examples as token ids, truncated so that the reply and the last question remain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from attune.generators.prompts import Example, prompt_text, reply_text


@dataclass(frozen=True)
class Encoded:
    """The token ids of a prompt and of its reply with the final end-of-text token; a model reads them joined.

    `passages`: those that the prompt includes.
    """

    id: str
    prompt: list[int]
    reply: list[int]
    passages: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.reply)


class Prompt(NamedTuple):
    """A prompt's token ids, the passages that it includes, and how many of the history's last turns.

    `shortened`: the question alone was too long, and lost its beginning.
    """

    ids: list[int]
    passages: list[str]
    turns: int
    shortened: bool = False


@dataclass(frozen=True)
class Room:
    """Limits in tokens: of a prompt without passages, of its passages together, and of both (None: their sum)."""

    prompt: int
    passages: int = 0
    whole: int | None = None

    def __sub__(self, tokens: int) -> "Room":
        """The room that a reply of `tokens` tokens leaves."""
        return Room(self.prompt - tokens, self.passages, None if self.whole is None else self.whole - tokens)


def encode(example: Example, tokenizer: Any, room: Room) -> Encoded:
    """Prompt and reply within `room` together.

    A reply longer than half of the room without passages loses its end, and with it the end-of-text token.
    """
    reply = [*_ids(tokenizer, reply_text(example, tokenizer)), tokenizer.eos_token_id][: room.prompt // 2]
    prompt = encode_prompt(example, tokenizer, room - len(reply))
    return Encoded(example.id, prompt.ids, reply, tuple(prompt.passages))


def encode_all(examples: Sequence[Example], tokenizer: Any, room: Room) -> list[Encoded]:
    """`encode` of each example."""
    return [encode(example, tokenizer, room) for example in examples]


def encode_prompt(example: Example, tokenizer: Any, room: Room) -> Prompt:
    """The longest prompt of whole exchanges within `room`; if even the question is too long, its end.

    Passages fill what the conversation leaves, each whole or not at all: they never displace a turn.
    """
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    limit = room.prompt - len(first)
    for kept, system in _truncations(example):
        ids = _ids(tokenizer, prompt_text(example, kept, system, (), tokenizer))
        if len(ids) <= limit:
            ids, passages = _with_passages(example, kept, system, ids, tokenizer, room - len(first))
            return Prompt(first + ids, passages, kept)
    return Prompt(first + ids[-limit:], [], 0, shortened=True)


def _with_passages(
    example: Example, kept: int, system: bool, without: list[int], tokenizer: Any, room: Room
) -> tuple[list[int], list[str]]:
    passages = _within(example.passages, tokenizer, room.passages)
    whole = len(without) + room.passages if room.whole is None else room.whole
    while passages:
        ids = _ids(tokenizer, prompt_text(example, kept, system, passages, tokenizer))
        if len(ids) <= whole:
            return ids, passages
        passages.pop()
    return without, []


def _within(passages: Sequence[str], tokenizer: Any, budget: int) -> list[str]:
    """The passages, best first, that fit into `budget` tokens together; one that is too long is skipped."""
    kept = []
    for passage in passages:
        size = len(_ids(tokenizer, passage))
        if size <= budget:
            kept.append(passage)
            budget -= size
    return kept


def _truncations(example: Example) -> Iterator[tuple[int, bool]]:
    """From longest to shortest: turns of history to keep, and whether to keep the system text."""
    whole = len(example.history) // 2 * 2
    yield from ((kept, True) for kept in range(whole, -1, -2))
    yield 0, False


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
