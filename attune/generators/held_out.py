"""Which conversations are trained on and which are looked at: whole ones, in a seeded order of their own."""

import hashlib
from collections.abc import Sequence

from attune.generators.prompts import Example


def conversations(examples: Sequence[Example], seed: int, purpose: str) -> list[list[Example]]:
    """The examples grouped by conversation; the order depends on the ids, not on the rows' order."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.conversation, []).append(example)
    digest = {name: hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest() for name in groups}
    return [groups[name] for name in sorted(groups, key=digest.__getitem__)]


def hold_out(examples: Sequence[Example], share: float, most: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Train and held-out examples: `share` of the conversations, as long as they give at most `most` rows."""
    groups = conversations(examples, seed, "held out")
    held: list[Example] = []
    count = 0
    for group in groups[: max(1, round(len(groups) * share))]:
        if held and len(held) + len(group) > most:
            break
        held += group
        count += 1
    return [example for group in groups[count:] for example in group], held


def sample(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """The first `most` examples of the conversations in seeded order."""
    return [example for group in conversations(examples, seed, "sample") for example in group][:most]
