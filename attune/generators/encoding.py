"""Examples as token ids, truncated so that the reply and the last question remain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from attune.core.tokens import token_ids
from attune.generators.prompts import Example, Text, prompt_parts, reply_text


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
    """Prompt and reply within `room` together: the tokens of their joined text, divided where the prompt ends.

    A reply longer than half of the room without passages loses its end, and with it the end-of-text token.
    """
    reply, most = reply_text(example, tokenizer), room.prompt // 2
    size = min(len(token_ids(tokenizer, reply)) + 1, most)
    while True:
        fit = _fit(example, tokenizer, room - size)
        whole = [*fit.first, *token_ids(tokenizer, *fit.parts, reply), tokenizer.eos_token_id]
        start = _shared(fit.ids, whole)
        ids = whole[start:][:most]
        if len(ids) <= size:
            prompt = fit.cut(whole[:start])
            return Encoded(example.id, prompt, ids, tuple(fit.passages))
        size = len(ids)  # after the prompt, the reply has more tokens than by itself


def encode_all(examples: Sequence[Example], tokenizer: Any, room: Room) -> list[Encoded]:
    """`encode` of each example."""
    return [encode(example, tokenizer, room) for example in examples]


def encode_prompt(example: Example, tokenizer: Any, room: Room) -> Prompt:
    """The longest prompt of whole exchanges within `room`; if even the question is too long, its end.

    The persona's first sentences that `room` allows outlast the history, and the system text outlasts them. Passages
    fill what the conversation leaves, each whole or not at all: they never displace a turn. A last token that would be
    another one before a reply, such as a space's, is left to the reply.
    """
    fit = _fit(example, tokenizer, room)
    return Prompt(fit.cut(fit.ids), fit.passages, fit.turns, fit.limit is not None)


class _Fit(NamedTuple):
    """A prompt that fits: its text, its token ids, the passages and how many turns of the history are in it.

    `first`: the ids among them that no text stands for. `limit`: how many ids remain of a question that is too long.
    """

    parts: tuple[str, ...]
    first: list[int]
    ids: list[int]
    passages: list[str]
    turns: int
    limit: int | None = None

    def cut(self, ids: list[int]) -> list[int]:
        """The ids of this prompt within `limit`: the first ones, and the end of the others."""
        if self.limit is None:
            return ids
        rest = ids[len(self.first) :]
        return self.first + rest[max(0, len(rest) - self.limit) :]


def _fit(example: Example, tokenizer: Any, room: Room) -> _Fit:
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    room = room - len(first)
    persona = _within(example.persona, tokenizer, room.persona)
    for kept, system, sentences in _truncations(example, len(persona)):
        text = partial(prompt_parts, example, kept, system, tokenizer=tokenizer, persona=persona[:sentences])
        without = text(passages=())
        ids = token_ids(tokenizer, *without.parts)
        if len(ids) <= room.prompt:
            written, ids, passages = _with_passages(text, example.passages, without, ids, tokenizer, room)
            lasting = _lasting(example, written.parts, ids, tokenizer)
            return _Fit(written.parts, first, first + lasting, passages, written.turns)
    return _Fit(without.parts, first, first + _lasting(example, without.parts, ids, tokenizer), [], 0, room.prompt)


def _lasting(example: Example, parts: Sequence[str], ids: list[int], tokenizer: Any) -> list[int]:
    """The `ids` of a prompt, whose text is `parts`, that are the same when a reply follows."""
    reply = reply_text(replace(example, reply="I"), tokenizer)
    return ids[: _shared(ids, token_ids(tokenizer, *parts, reply))]


def _shared(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many ids both begin with."""
    return next((at for at, (left, right) in enumerate(zip(ids, others, strict=False)) if left != right), len(ids))


def _with_passages(
    text: Callable[..., Text], passages: Sequence[str], without: Text, ids: list[int], tokenizer: Any, room: Room
) -> tuple[Text, list[int], list[str]]:
    """The prompt with the passages that fit, its ids and these passages; `without`, `ids`: the prompt without any."""
    passages = _within(passages, tokenizer, room.passages)
    whole = len(ids) + room.passages if room.whole is None else room.whole
    while passages:
        written = text(passages=passages)
        longer = token_ids(tokenizer, *written.parts)
        if len(longer) <= whole:
            return written, longer, passages
        passages.pop()
    return without, ids, []


def _within(texts: Sequence[str], tokenizer: Any, budget: int) -> list[str]:
    """The texts, best first, that fit into `budget` tokens together; one that is too long is skipped."""
    kept = []
    for text in texts if budget else ():
        size = len(token_ids(tokenizer, text))
        if size <= budget:
            kept.append(text)
            budget -= size
    return kept


def _truncations(example: Example, sentences: int) -> Iterator[tuple[int, bool, int]]:
    """From longest to shortest: turns of history to keep, whether to keep the system text, and sentences of persona.

    A shortened history begins with a turn of whoever does not reply.
    """
    own = [each for each, _ in example.turns]
    whole = len(example.history)
    yield whole, True, sentences
    yield from ((kept, True, sentences) for kept in range(whole - 1, 0, -1) if not own[whole - kept])
    yield from ((0, True, count) for count in range(sentences, -1, -1))
    yield 0, False, 0
