"""The error whose message is written for the user."""


class AttuneError(Exception):
    """Bad input or a missing piece: the message names the file, row or key and says what would be right."""
