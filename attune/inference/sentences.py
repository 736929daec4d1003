"""Where the sentences of a reply end."""

import re

_END = re.compile(r"[.!?…][\"'”’)\]*]*(?=\s|$)")
_LIST_NUMBER = re.compile(r"(^|\n|[.!?]\s)\s*\d+\.$")


def whole_sentences(text: str) -> str:
    """`text` up to the end of its last whole sentence; all of it if it has none.

    The number of a list's item ends no sentence, and neither does a full stop within a number or a name.
    """
    for end in reversed([match.end() for match in _END.finditer(text)]):
        if not _LIST_NUMBER.search(text[:end]):
            return text[:end]
    return text
