"""Where the sentences of a reply end."""

import re

from attune.core.text import FULL_WIDTH_MARKS, SENTENCE_MARKS

# What may stand between a sentence's mark and the next sentence: quotation marks, brackets and asterisks.
CLOSING = "\"'”’)]*\u300d\u300f\uff09\u3011\u300b"
_CLOSED = f"[{re.escape(CLOSING)}]*"
_END = re.compile(rf"[{SENTENCE_MARKS}…]{_CLOSED}(?=\s|$)|[{FULL_WIDTH_MARKS}]{_CLOSED}")
_LIST_NUMBER = re.compile(rf"(^|\n|[{SENTENCE_MARKS}]\s|[{FULL_WIDTH_MARKS}])\s*\d+\.$")


def whole_sentences(text: str) -> str:
    """`text` up to the end of its last whole sentence; all of it if it has none.

    The number of a list's item ends no sentence, and neither does a full stop within a number or a name.
    """
    return text[: _last_end(text)]


def ends_whole(text: str) -> bool:
    """Whether `text` ends with a whole sentence."""
    return _last_end(text) == len(text)


def _last_end(text: str) -> int | None:
    """Where the last whole sentence ends; None without one."""
    ends = reversed([match.end() for match in _END.finditer(text)])
    return next((end for end in ends if not _LIST_NUMBER.search(text[:end])), None)
