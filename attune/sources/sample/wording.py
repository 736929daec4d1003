"""Text as PEC has it: lower-cased and tokenised, without what would identify or lead to a person."""

import re

# Two chats of the sample have somebody's address or number; links lead to people's own documents.
_MASKS = (
    (re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE), "<link>"),
    (re.compile(r"[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+"), "<e-mail>"),
    (re.compile(r"(?<![\w.])(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. ]?)\d{3}[-. ]?\d{4}(?!\w)"), "<phone>"),
)
_STRAIGHT = str.maketrans("’‘`´“”", "''''\"\"")
# A face stays one token; so do runs such as "..." and "?!", and the points inside of numbers and times.
_FACE = r"(?<!\w)[:;=][-'^o]?[()\[\]dpo/\\|3*]+(?!\w)"
_PUNCTUATION = r"[.!?]+(?![\w.!?])|[.!?]{2,}|(?<!\d)[,:;]|[,:;](?!\d)|[()\"]"
_SPLIT = re.compile(rf"({_FACE})|({_PUNCTUATION})")


def masked(text: str) -> str:
    """`text` with <link>, <e-mail> and <phone> in the place of such things."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def tokenised(text: str) -> str:
    """`text` lower-cased, with punctuation and contractions split off, as PEC's text has them."""
    text = _SPLIT.sub(lambda match: f" {match.group()} ", text.lower().translate(_STRAIGHT))
    text = re.sub(r"(?<=\w)n't\b", " n't", text)
    text = re.sub(r"(?<=\w)'(m|s|re|ve|ll|d)\b", r" '\1", text)
    return " ".join(text.split())
