"""Who replies in a conversation, as far as the data say."""

from collections.abc import Mapping, Sequence
from typing import Any

# Own data's names for whoever answers, for who is answered, and for the latter where the sides are not named but
# counted back from the last turn.
REPLIES, ASKS, UNNAMED = "responder", "other", "other (unnamed)"
# Names that are nobody's: these, and Reddit's for a deleted account.
_NOBODY = {REPLIES, ASKS, UNNAMED, "[deleted]"}


def greeting(speakers: Sequence[str]) -> int:
    """How many first turns are the greeting of a responder who is known to have begun: 1, or 0 in other conversations.

    Many conversations begin with the same greeting of an assistant, while what a person says first is about something.
    """
    return int(list(speakers[:2]) == [REPLIES, ASKS])


def responder(row: Mapping[str, Any]) -> str:
    """The name of who gives the row's response; empty where the row names nobody."""
    name = row.get("response_speaker", "")
    return "" if name in _NOBODY else str(name)


def answered(row: Mapping[str, Any]) -> str:
    """The name of whose turn the row's response answers; empty where the row names nobody, or the responder."""
    (name,) = row.get("context_speakers", ())[-1:] or [""]
    return "" if name in _NOBODY or name == row.get("response_speaker") else str(name)
