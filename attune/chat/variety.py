"""Replies that differ from attempt to attempt, and from what was said before in the conversation."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from attune.core.text import words_of
from attune.parameters.decoding import Decoding

if TYPE_CHECKING:  # torch takes seconds to import
    from attune.inference.decoding import Reply

# How another attempt decodes where the settings would write the same reply again.
_SAMPLED = {"temperature": 0.9, "top_k": 30, "top_p": 0.95}
# Replies that are written at most until one is new.
_ATTEMPTS = 4


def varied(decoding: Decoding, attempt: int) -> Decoding:
    """`decoding`; after the first attempt it samples, where it would otherwise take the likeliest tokens again."""
    by_chance = decoding.method == "sampling" and decoding.top_k != 1
    return decoding if by_chance or not attempt else decoding.sampling(**_SAMPLED)


def unrepeated(write: Callable[[int], Iterator["Reply"]], said: Collection[str]) -> Iterator["Reply"]:
    """The growing reply of the first attempt that repeats nothing in `said`; of the last one, whatever it is.

    write: the reply of an attempt, counted from 0, as it grows. said: earlier replies, as `words_of` has them. A reply
    has no text for as long as it may still become one of them.
    """
    for attempt in range(_ATTEMPTS):
        shown, words = False, ""
        for reply in write(attempt):
            words = words_of(reply.text)
            begun = not said or any(map(str.isalnum, words))  # punctuation alone says nothing yet
            shown = shown or (begun and not any(each.startswith(words) for each in said))
            yield reply if shown else replace(reply, text="")
        if shown:
            return
        if words not in said:
            break
    yield reply
