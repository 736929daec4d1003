"""A growing reply as pieces that can be sent: no piece is ever taken back."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attune.chat.answers import Answer
from attune.core.text import FULL_WIDTH_MARKS
from attune.inference.sentences import CLOSING, ends_whole, whole_sentences


@dataclass
class Streamed:
    """What is known of a reply by the time that its last piece was taken.

    finish: `length` where the reply reached its limit before it ended. last: the answer that was seen last.
    """

    stops: Sequence[str] = ()
    finish: Literal["stop", "length"] = "stop"
    last: Answer = field(default_factory=Answer)

    async def pieces(self, answers: AsyncIterator[Answer]) -> AsyncGenerator[str, None]:
        """The reply up to the first of `stops`; put together, the pieces are the reply.

        A truncated reply is not cut after its last whole sentence: what follows it has been sent already.
        """
        sent = text = uncut = ""
        stopped = grown = False
        async for answer in answers:
            self.last = answer
            if answer.done and grown and answer.text.startswith(text):
                text, stopped = up_to_stop(answer.text, self.stops)  # PEC's last word is known at the end only
            if answer.loading or answer.done:
                continue
            grown, uncut = True, answer.uncut
            if not answer.text.startswith(sent):
                continue
            text, stopped = up_to_stop(answer.text, self.stops)
            ready = text if stopped else text[: len(text) - held_back(text, self.stops)]
            if len(ready) > len(sent):
                yield ready[len(sent) :]
                sent = ready
            if stopped:
                break
        if not grown:  # it was not written token by token
            text, stopped = up_to_stop(self.last.text, self.stops)
        elif not stopped and self.last.truncated:  # the last word is in no text
            text, stopped = up_to_stop(uncut, self.stops) if uncut.startswith(sent) else (text, False)
        if len(text) > len(sent):
            yield text[len(sent) :]
        self.finish = "length" if self.last.truncated and not stopped else "stop"


def settled(text: str) -> str:
    """The sentences of a growing reply that stay, even if it reaches the length limit and is cut after one of them."""
    # What ends "3." may go on as "3.5", so that a space must follow any but a full-width mark.
    begun = text[: max(map(text.rfind, (" ", *FULL_WIDTH_MARKS))) + 1]
    whole = whole_sentences(begun)
    # PEC's text is cut before the closing marks.
    return whole.rstrip(CLOSING) if ends_whole(whole) else ""


def up_to_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """`text` before the first of `stops` that it holds, and whether it holds one."""
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)


def held_back(text: str, stops: Sequence[str]) -> int:
    """How many characters at the end of `text` may be the beginning of one of `stops`."""
    lengths = (
        size for stop in stops for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])
    )
    return max(lengths, default=0)
