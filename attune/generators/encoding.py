"""Examples as token ids, truncated so that the reply and the last question remain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from attune.core.tokens import shared_start, token_ids
from attune.generators.chat_templates import end_of_reply
from attune.generators.encoded import Encoded
from attune.generators.prompts import Example, Text, prompt_parts, reply_text


class Prompt(NamedTuple):
    """A prompt's token ids, the passages that it includes, and how many of the history's last turns.

    shortened: the question alone was too long, and lost its beginning. without_system: there was no room for the
    system text. left_out: how many sentences of the persona there was no room for.
    """

    ids: list[int]
    passages: list[str]
    turns: int
    shortened: bool = False
    without_system: bool = False
    left_out: int = 0


@dataclass(frozen=True)
class Room:
    """Limits in tokens: of a prompt without passages, of its passages together, and of both (None: their sum).

    persona: of the persona's sentences together, which are part of the prompt.
    """

    prompt: int
    passages: int = 0
    whole: int | None = None
    persona: int = 0

    def __sub__(self, tokens: int) -> "Room":
        """The room that a reply of `tokens` tokens leaves."""
        whole = None if self.whole is None else self.whole - tokens
        return Room(self.prompt - tokens, self.passages, whole, self.persona)


def encode(example: Example, tokenizer: Any, room: Room, most: int | None = None) -> Encoded:
    """Prompt and reply within `room` together: the tokens of their joined text, divided where the prompt ends.

    A reply of more than `most` tokens loses its end, and so the token that ends it; None stands for half of the room
    without passages or, where that is more, what the prompt leaves of it.
    """
    reply = reply_text(example, tokenizer)
    size = len(token_ids(tokenizer, reply)) + 1
    most = _most(example, tokenizer, room, size) if most is None else most
    size = min(size, most)
    while True:
        fit = _fit(example, tokenizer, room - size)
        whole = [*fit.first, *token_ids(tokenizer, *fit.parts, reply), end_of_reply(tokenizer)]
        start = shared_start(fit.ids, whole)
        ids = whole[start:][:most]
        if len(ids) <= size:
            prompt = fit.cut(whole[:start])
            return Encoded(example.id, prompt, ids, tuple(fit.passages))
        size = len(ids)  # after the prompt, the reply has more tokens than by itself


def _most(example: Example, tokenizer: Any, room: Room, size: int) -> int:
    """How many tokens a reply of `size` may have: half of the room, or what a prompt within the other half leaves.

    The persona counts as all the room that it may take: whatever it is, losses are of the same tokens of a reply.
    """
    half = room.prompt // 2
    limit = room.prompt - half - room.persona
    if size <= half or limit < 1:
        return half
    return max(half, limit + half - _fit(replace(example, passages=(), persona=()), tokenizer, Room(limit)).taken)


def encode_all(examples: Sequence[Example], tokenizer: Any, room: Room) -> list[Encoded]:
    """`encode` of each example."""
    return [encode(example, tokenizer, room) for example in examples]


def encode_prompt(example: Example, tokenizer: Any, room: Room) -> Prompt:
    """The longest prompt of whole exchanges within `room`; if even the question is too long, its end.

    The persona's first sentences that `room` allows outlast the history, and the system text outlasts them, unless it
    leaves no room for the question. A question that is too long by itself loses its beginning, while its role and what
    else the format or the chat template writes around it stay. Passages fill what the conversation leaves, each whole
    or not at all: they never displace a turn. A last token that would be another one before a reply, such as a space's,
    is left to the reply.
    """
    fit = _fit(example, tokenizer, room)
    without_system = bool(example.system.strip()) and not fit.system
    left_out = len(example.persona) - fit.sentences if room.persona else 0
    return Prompt(fit.cut(fit.ids), fit.passages, fit.turns, fit.shortened, without_system, left_out)


class _Fit(NamedTuple):
    """A prompt that fits: its text, its token ids, and the passages that are in it.

    taken: how many tokens it takes of the room, a last one that is left to the reply included. turns, system,
    sentences: how many turns of the history are in it, whether the system text is, and how many sentences of the
    persona. first: the ids among them that no text stands for. Where the question alone is too long, `ids` are not cut
    yet: `limit` is how many of them `cut` leaves, `before` how many stand before the question's text, and `kept` how
    many of those it leaves.
    """

    parts: tuple[str, ...]
    first: list[int]
    ids: list[int]
    passages: list[str]
    taken: int
    turns: int
    system: bool
    sentences: int
    limit: int | None = None
    before: int = 0
    kept: int = 0

    def cut(self, ids: list[int]) -> list[int]:
        """`ids` within `limit`: the first `kept` of them, and the end of the others."""
        if self.limit is None or len(ids) <= self.limit:
            return ids
        return ids[: self.kept] + ids[len(ids) - self.limit + self.kept :]

    @property
    def shortened(self) -> bool:
        """Whether the question's text loses its beginning."""
        return self.limit is not None and len(self.ids) - self.before > self.limit - self.kept


def _fit(example: Example, tokenizer: Any, room: Room) -> _Fit:
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    room = room - len(first)
    persona = _within(example.persona, tokenizer, room.persona)
    most = len(example.history)
    for kept, system, sentences in _truncations(example, len(persona)):
        if kept > most:
            continue
        text = partial(prompt_parts, example, kept, system, tokenizer=tokenizer, persona=persona[:sentences])
        without = text(passages=())
        ids = token_ids(tokenizer, *without.parts)
        if len(ids) <= room.prompt:
            written, ids, passages = _with_passages(text, example.passages, without, ids, tokenizer, room)
            lasting = _lasting(example, written.parts, ids, tokenizer)
            ids, taken = first + lasting, len(first) + len(ids)
            return _Fit(written.parts, first, ids, passages, taken, written.turns, system, sentences)
        if kept == len(example.history) and kept:
            most = _turns_within(example, tokenizer, room.prompt)
    return _question_alone(example, tokenizer, first, room.prompt)


def _turns_within(example: Example, tokenizer: Any, limit: int) -> int:
    """How many of the history's last turns may fit into `limit` tokens, at most, which spares trying many prompts.

    A turn by itself may have a token more at either end than beside others.
    """
    taken = 0
    for count, (_, turn) in enumerate(reversed(example.turns[:-1])):
        taken += max(0, len(token_ids(tokenizer, turn)) - 2)
        if taken > limit:
            return count
    return len(example.history)


def _question_alone(example: Example, tokenizer: Any, first: list[int], limit: int) -> _Fit:
    """A prompt of a question that is too long, to be cut to `limit` tokens in the question's text.

    It has the system text if half of the tokens are left beside it, or if the prompt would be longer without, since the
    chat template has a default. If nothing is left for the question beside what stands around it, that is cut as well.
    """
    parts, short = (prompt_parts(example, 0, system, (), tokenizer).parts for system in (True, False))
    system = _around(parts, tokenizer) <= max(limit // 2, _around(short, tokenizer))
    parts = parts if system else short
    ids = token_ids(tokenizer, *parts)
    before = shared_start(token_ids(tokenizer, *parts[:-2]), ids)
    kept = before if _around(parts, tokenizer) < limit else 0
    ids = first + _lasting(example, parts, ids, tokenizer)
    before, kept, limit = len(first) + before, len(first) + kept, len(first) + limit
    return _Fit(parts, first, ids, [], limit, 0, system, 0, limit, before, kept)


def _around(parts: Sequence[str], tokenizer: Any) -> int:
    """How many tokens stand before the question's text and after it, in a prompt of these `parts` without history."""
    return len(token_ids(tokenizer, *parts[:-2])) + len(token_ids(tokenizer, parts[-1]))


def _lasting(example: Example, parts: Sequence[str], ids: list[int], tokenizer: Any) -> list[int]:
    """The `ids` of a prompt, whose text is `parts`, that are the same when a reply follows."""
    reply = reply_text(replace(example, reply="I"), tokenizer)
    return ids[: shared_start(ids, token_ids(tokenizer, *parts, reply))]


def _with_passages(
    text: Callable[..., Text], passages: Sequence[str], without: Text, ids: list[int], tokenizer: Any, room: Room
) -> tuple[Text, list[int], list[str]]:
    """The prompt with the passages that fit, its ids and these passages; without, ids: the prompt without any."""
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
    """In the order of trying: turns of history to keep, whether to keep the system text, and sentences of persona.

    A shortened history begins with a turn of the other person. If nothing fits beside the system text, all is
    tried again without it.
    """
    own = [each for each, _ in example.turns]
    whole = len(example.history)
    for system in (True, False) if example.system.strip() else (False,):
        yield whole, system, sentences
        yield from ((kept, system, sentences) for kept in range(whole - 1, 0, -1) if not own[whole - kept])
        yield from ((0, system, count) for count in range(sentences, -1, -1))
