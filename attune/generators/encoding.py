"""Examples as token ids, truncated so that the reply and the last question remain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
    """Limits in tokens: of a prompt without passages, of its passages together, and of both (None: their sum).

    `persona`: of the persona's sentences together, which are part of the prompt.
    """

    prompt: int
    passages: int = 0
    whole: int | None = None
    persona: int = 0

    def __sub__(self, tokens: int) -> "Room":
        """The room that a reply of `tokens` tokens leaves."""
        whole = None if self.whole is None else self.whole - tokens
        return Room(self.prompt - tokens, self.passages, whole, self.persona)


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

    The persona's first sentences that `room` allows outlast the history, and the system text outlasts them. Passages
    fill what the conversation leaves, each whole or not at all: they never displace a turn.
    """
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    limit = room.prompt - len(first)
    persona = _within(example.persona, tokenizer, room.persona)
    for kept, system, sentences in _truncations(example, len(persona)):
        text = partial(prompt_text, example, kept, system, tokenizer=tokenizer, persona=persona[:sentences])
        ids = _ids(tokenizer, text(passages=()))
        if len(ids) <= limit:
            ids, passages = _with_passages(text, example.passages, ids, tokenizer, room - len(first))
            return Prompt(first + ids, passages, kept)
    return Prompt(first + ids[-limit:], [], 0, shortened=True)


def _with_passages(
    text: Callable[..., str], passages: Sequence[str], without: list[int], tokenizer: Any, room: Room
) -> tuple[list[int], list[str]]:
    passages = _within(passages, tokenizer, room.passages)
    whole = len(without) + room.passages if room.whole is None else room.whole
    while passages:
        ids = _ids(tokenizer, text(passages=passages))
        if len(ids) <= whole:
            return ids, passages
        passages.pop()
    return without, []


def _within(texts: Sequence[str], tokenizer: Any, budget: int) -> list[str]:
    """The texts, best first, that fit into `budget` tokens together; one that is too long is skipped."""
    kept = []
    for text in texts if budget else ():
        size = len(_ids(tokenizer, text))
        if size <= budget:
            kept.append(text)
            budget -= size
    return kept


def _truncations(example: Example, sentences: int) -> Iterator[tuple[int, bool, int]]:
    """From longest to shortest: turns of history to keep, whether to keep the system text, and sentences of persona.

    A shortened history begins with a turn of whoever does not reply.
    """
    whole = len(example.history)
    shorter = (kept for kept in range(whole - 1, 0, -1) if kept % 2 == example.own_turn_last)
    yield from ((kept, True, sentences) for kept in (whole, *shorter))
    yield from ((0, True, count) for count in range(sentences, -1, -1))
    yield 0, False, 0


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
