"""The error whose message is written for the user."""

from textwrap import shorten


class AttuneError(Exception):
    """Bad input or a missing piece: the message names the file, row or key and says what would be right."""


def one_line(error: object) -> str:
    """What a library says, without its line breaks: the informative line may be any of several."""
    return shorten(str(error), 300, placeholder=" ...") or type(error).__name__
