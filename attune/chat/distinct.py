"""Texts that say the same, told apart from those that do not."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
_WORD = re.compile(r"\w+")


def distinct(items: Iterable[T], text: Callable[[T], str], without: Iterable[str] = ()) -> list[T]:
    """The items whose texts differ from those of earlier items and from `without`, case and punctuation aside."""
    seen = {_words(each) for each in without}
    kept = []
    for item in items:
        words = _words(text(item))
        if words not in seen:
            seen.add(words)
            kept.append(item)
    return kept


def _words(text: str) -> str:
    """The text's words in lower case; the text itself where it has none."""
    return " ".join(_WORD.findall(text.lower())) or text
