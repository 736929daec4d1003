"""Examples as token ids, cut to a length such that the reply and the last question remain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from attune.generation.prompts import Example, prompt_text, reply_text


@dataclass(frozen=True)
class Encoded:
    """The prompt's token ids and the reply's with its final eos; the two joined are what a model reads."""

    id: str
    prompt: list[int]
    reply: list[int]

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.reply)


def encode(example: Example, tokenizer: Any, max_length: int) -> Encoded:
    """Prompt and reply in at most `max_length` tokens; a reply over half of that loses its end and eos."""
    reply = [*_ids(tokenizer, reply_text(example, tokenizer)), tokenizer.eos_token_id][: max_length // 2]
    return Encoded(example.id, encode_prompt(example, tokenizer, max_length - len(reply)), reply)


def encode_all(examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Encoded]:
    return [encode(example, tokenizer, max_length) for example in examples]


def encode_prompt(example: Example, tokenizer: Any, room: int) -> list[int]:
    """The longest prompt of whole exchanges in `room` tokens; at worst the end of the question is left."""
    # A chat template writes its own first token.
    first = [] if tokenizer.chat_template or tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    room -= len(first)
    for kept, system in _cuts(example):
        ids = _ids(tokenizer, prompt_text(example, kept, system, tokenizer))
        if len(ids) <= room:
            return first + ids
    return first + ids[-room:]


def _cuts(example: Example) -> Iterator[tuple[int, bool]]:
    """Turns of history to keep, and whether the system text stays: the oldest exchange goes first."""
    whole = len(example.history) // 2 * 2
    yield from ((kept, True) for kept in range(whole, -1, -2))
    yield 0, False


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
