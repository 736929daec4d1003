"""Where the sentences of a reply end."""

import re

_END = re.compile(r"[.!?…][\"'”’)\]*]*(?=\s|$)")
_LIST_NUMBER = re.compile(r"(^|\n|[.!?]\s)\s*\d+\.$")


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
