"""Replies that differ from attempt to attempt, and from what was said before in the conversation."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from attune.chat.answers import Question
from attune.chat.streaming import settled
from attune.core.text import words_of
from attune.parameters.decoding import Decoding

if TYPE_CHECKING:  # torch takes seconds to import
    from attune.generators.encoding import Prompt
    from attune.inference.generator import Generator
    from attune.inference.reply import Reply

# How another attempt decodes where the settings would write the same reply again.
_SAMPLED = {"temperature": 0.9, "top_k": 30, "top_p": 0.95}
# Replies that are written at most until one is new.
_ATTEMPTS = 4


def varied(decoding: Decoding, attempt: int) -> Decoding:
    """`decoding`; after the first attempt it samples, where it would otherwise take the likeliest tokens again."""
    by_chance = decoding.method == "sampling" and decoding.top_k != 1
    return decoding if by_chance or not attempt else decoding.sampling(**_SAMPLED)


def written(
    generator: "Generator", name: str, prompt: "Prompt", question: Question, given: Collection[str], seed: int
) -> Iterator["Reply"]:
    """The generator's reply as it grows; name: with the seed, what it is drawn by. given: earlier replies."""

    def write(again: int) -> Iterator["Reply"]:
        attempt = question.attempt + again
        decoding = varied(question.decoding, attempt) if question.varied else question.decoding
        return generator.stream(name, prompt, decoding, seed + question.attempt + 1_000 * again, question.limit)

    return unrepeated(write, given) if question.varied else write(0)


def unrepeated(write: Callable[[int], Iterator["Reply"]], said: Collection[str]) -> Iterator["Reply"]:
    """The growing reply of the first attempt that repeats nothing in `said`; of the last one, whatever it is.

    write: the reply of an attempt, counted from 0, as it grows. said: earlier replies, as `words_of` has them. A reply
    has no text for as long as it may still become one of them, also by being cut after a sentence at the length limit.
    """
    for attempt in range(_ATTEMPTS):
        shown, words = False, ""
        for reply in write(attempt):
            words = words_of(reply.text)
            begun = not said or any(map(str.isalnum, words))  # punctuation alone says nothing yet
            repeats = any(each.startswith(words) for each in said) or words_of(settled(reply.text)) in said
            shown = shown or (begun and not repeats)
            yield reply if shown else replace(reply, text="")
        if shown:
            return
        if words not in said:
            break
    yield reply
