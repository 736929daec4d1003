"""Where the sentences of a reply end."""

import re

from attune.core.text import FULL_WIDTH_MARKS, SENTENCE_MARKS, TITLES

# What may stand between a sentence's mark and the next sentence: quotation marks, brackets and asterisks.
CLOSING = "\"'”’)]*\u300d\u300f\uff09\u3011\u300b"
_CLOSED = f"[{re.escape(CLOSING)}]*"
_END = re.compile(rf"[{SENTENCE_MARKS}…]{_CLOSED}(?=\s|$)|[{FULL_WIDTH_MARKS}]{_CLOSED}")
_LIST_NUMBER = re.compile(rf"(^|\n|[{SENTENCE_MARKS}]\s|[{FULL_WIDTH_MARKS}])\s*\d+\.$")
# Abbreviations after which a sentence goes on.
_ABBREVIATION = re.compile(rf"\b({'|'.join(TITLES)}|[Ee]\.g|[Ii]\.e)\.{_CLOSED}$")
# One capital letter, as in "J. Smith" or "U.S."; alone, "I" is a word.
_INITIAL = re.compile(rf"((^|[\s(\"“])[A-HJ-Z]|\.[A-Z])\.{_CLOSED}$")


def whole_sentences(text: str) -> str:
    """`text` up to the end of its last whole sentence; all of it if it has none.

    The number of a list's item ends no sentence, and neither does a full stop within a number or a name, or that of a
    title, of "e.g." or of "i.e.". An initial or a dotted abbreviation, such as "U.S.", ends one only at the very end of
    `text`, which then reads as whole, even if more was to come. With text after it, it may be in mid-sentence, and a
    sentence too few is better than half a name.
    """
    return text[: _last_end(text)]


def ends_whole(text: str) -> bool:
    """Whether `text` ends with a whole sentence."""
    return _last_end(text) == len(text)


def _last_end(text: str) -> int | None:
    """Where the last whole sentence ends; None without one."""
    ends = reversed([match.end() for match in _END.finditer(text)])
    return next((end for end in ends if _is_end(text, end)), None)


def _is_end(text: str, end: int) -> bool:
    """Whether the mark before `end` ends a sentence."""
    before = text[:end]
    if _LIST_NUMBER.search(before) or _ABBREVIATION.search(before):
        return False
    return end == len(text) or not _INITIAL.search(before)
