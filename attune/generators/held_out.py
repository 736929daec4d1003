"""Which conversations are trained on and which are held out: whole ones, in an order drawn from the seed."""

import hashlib
from collections.abc import Sequence

from attune.generators.prompts import Example

HELD_OUT_SHARE = 0.1
HELD_OUT_ROWS = 32
# Of those held out so many are measured, so that it costs little beside training; always the same, so that losses
# compare. The number is apart from the one above, so that measuring on more or fewer changes no training rows.
MEASURED_ROWS = 16


def grouped(conversations: Sequence[str], seed: int, purpose: str) -> list[list[int]]:
    """Positions grouped by the conversation they belong to; the groups' order depends on names, seed and purpose."""
    groups: dict[str, list[int]] = {}
    for position, name in enumerate(conversations):
        groups.setdefault(name, []).append(position)
    digest = {name: hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest() for name in groups}
    return [groups[name] for name in sorted(groups, key=digest.__getitem__)]


def hold_out(conversations: Sequence[str], share: float, most: int, seed: int) -> tuple[list[int], list[int]]:
    """Positions to train on and positions to hold out, given each row's conversation.

    `share` of the conversations is held out, fewer where they would give more than `most` rows, at least one.
    """
    groups = grouped(conversations, seed, "held out")
    held: list[int] = []
    count = 0
    for group in groups[: max(1, round(len(groups) * share))]:
        if held and len(held) + len(group) > most:
            break
        held += group
        count += 1
    return [position for group in groups[count:] for position in group], held


def sample(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """The first `most` examples when their conversations are put into seeded order."""
    groups = grouped([example.conversation for example in examples], seed, "sample")
    return [examples[position] for group in groups for position in group][:most]
