"""Which of the turns before a reply its row keeps."""

from collections.abc import Sequence
from typing import TypeVar

Turn = TypeVar("Turn")

# Every reply of a conversation has a row, so that rows with all turns would need memory as the square of its length.
# At 32 tokens each, so many turns fill SmolLM2's 8,192 positions; oldest turns beyond these would be dropped anyway.
TURNS = 256


def context_before(turns: Sequence[Turn], turn: int) -> list[Turn]:
    """The turns before number `turn`, oldest first: all of them, or else the opening and the last ones, TURNS at most.

    The opening says what the conversation is about. What is left out is a whole number of exchanges, so that sides that
    alternate still do.

    >>> len(context_before(range(1000), 999)), context_before(range(1000), 999)[:3]
    (255, [0, 745, 746])
    """
    left_out = (max(0, turn - TURNS) + 1) // 2 * 2
    return [*turns[:1], *turns[1 + left_out : turn]]
