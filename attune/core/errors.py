"""The error whose message is written for the user."""

import re
from textwrap import shorten

_LONGEST_QUOTED = 200
# An address: its scheme, user and password, host and path, and a query with what may close the sentence around it.
_ADDRESS = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{0,20}://)(?:[^/\s]*@)?([^?\s]*)(\?\S*)?")
_CLOSING = "])}>'\",;."


class AttuneError(Exception):
    """Bad input or a missing piece: the message names the file, row or key and says what would be right."""


def quoted(value: object) -> str:
    """A value as Python writes it, without what is beyond 200 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]} ..."


def one_line(error: object) -> str:
    """What a library says, without its line breaks: the informative line may be any of several."""
    return shorten(without_secrets(str(error)), 300, placeholder=" ...") or type(error).__name__


def without_secrets(text: str) -> str:
    """Addresses in `text` without user, password and query, which may be a signature; the rest as it is."""
    return _ADDRESS.sub(_public, text)


def _public(found: re.Match[str]) -> str:
    scheme, place, query = found.groups(default="")
    return f"{scheme}{place}{query[len(query.rstrip(_CLOSING)) :]}"
