"""The one error that a user is meant to read."""


class AttuneError(Exception):
    """Bad input or a missing piece: the message names the file, row or key and says what would be right."""
