"""Who speaks in a prompt, and how a turn is written."""

from dataclasses import dataclass

TURN = "{role}: {text}\n"
CUE = "{role}:"


@dataclass(frozen=True)
class Roles:
    """What stands before the turns of the person who speaks or asks, and of the responder."""

    asks: str
    replies: str

    def of(self, own: bool) -> str:
        """The role of a turn; own: it is the responder's."""
        return self.replies if own else self.asks


DIALOGUE = Roles("Speaker", "Listener")
INSTRUCTION = Roles("Question", "Answer")
CHAT = Roles("user", "assistant")
