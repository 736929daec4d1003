"""Who replies in a conversation, as far as the data say."""

from collections.abc import Mapping
from typing import Any

# Own data's name for whoever answers.
REPLIES = "responder"
# Names that are nobody's: that one, and Reddit's for a deleted account.
_NOBODY = {REPLIES, "[deleted]"}


def responder(row: Mapping[str, Any]) -> str:
    """The name of who gives the row's response; empty where the row names nobody."""
    name = row.get("response_speaker", "")
    return "" if name in _NOBODY else str(name)
