"""What of the sample's text would identify or lead to a person, masked."""

import re

# Two chats of the sample have somebody's address or number; links lead to people's own documents.
_MASKS = (
    (re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE), "<link>"),
    (re.compile(r"[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+"), "<e-mail>"),
    (re.compile(r"(?<![\w.])(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. ]?)\d{3}[-. ]?\d{4}(?!\w)"), "<phone>"),
)


def masked(text: str) -> str:
    """`text` with <link>, <e-mail> and <phone> in the place of such things."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text
