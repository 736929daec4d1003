"""What of the sample's text would identify or lead to a person, masked."""

import re

# Two chats of the sample have somebody's address or number, and a few people give the name of their account; links lead
# to people's own documents. A name without a path ("xkcd.com") is a site that anybody knows, and stays.
_MASKS = (
    (re.compile(r"(?:https?://|www\.)\S+|\b(?:[\w-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE), "<link>"),
    (re.compile(r"[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+"), "<e-mail>"),
    (re.compile(r"(?<!\w)@\w[\w.]*\w"), "<account>"),
    # "my insta is jo_7", "my instagram is: jo", but not "instagram is great".
    (re.compile(r"(\b(?:insta(?:gram)?|snapchat|twitter) is)(?:: *\w+| \w*[\d_]\w*)", re.IGNORECASE), r"\1 <account>"),
    (re.compile(r"(?<![\w.])(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. ]?)\d{3}[-. ]?\d{4}(?!\w)"), "<phone>"),
)
# Each of them needs one of these, which most messages have not.
_HINT = re.compile(r"[@/:_\d]|www\.", re.IGNORECASE)


def masked(text: str) -> str:
    """`text` with <link>, <e-mail>, <account> and <phone> in the place of such things."""
    if not _HINT.search(text):
        return text
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text
