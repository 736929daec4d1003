"""Which conversations are trained on and which are held out: whole ones, in an order drawn from the seed."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from attune.core.text import words_hash
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


def opening(example: Example) -> str:
    """The `words_hash` of what a conversation is about: its situation or, where its corpus has none, its first turn.

    A greeting is no such turn.
    """
    return words_hash(example.situation or (*example.history, example.question)[example.greeting])


def hold_out(conversations: Sequence[str], openings: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """Positions to train on and positions to hold out, given each row's conversation and its `opening`.

    HELD_OUT_SHARE of the conversations is held out, fewer where they would give more than HELD_OUT_ROWS, at least one.
    Of those held out, rows whose opening no row to train on has come first, since a reply to a known message can be
    recalled. If there are not MEASURED_ROWS of these, conversations that share an opening are held out or trained on
    together, unless even the fewest that do would be too many; then one row of each opening comes first, so that few
    rows are not all about the same.
    """
    train, held = _drawn(grouped(conversations, seed, "held out"))
    known = {openings[at] for at in train}
    if any(openings[at] in known for at in held) and sum(openings[at] not in known for at in held) < MEASURED_ROWS:
        groups = grouped(_joined(conversations, openings), seed, "held out")
        within = min(HELD_OUT_ROWS, max(1, round(len(conversations) * HELD_OUT_SHARE)))
        groups.sort(key=lambda group: max(len(group), within))  # an opening that most of them share is trained on
        if len(groups) > 1 and len(groups[0]) <= HELD_OUT_ROWS:
            train, held = _drawn(groups)
            held = _in_turns(held, openings)
    known = {openings[at] for at in train}
    return train, sorted(held, key=lambda at: openings[at] in known)


def _drawn(groups: Sequence[list[int]]) -> tuple[list[int], list[int]]:
    """The positions in all groups but the first, and those in the first: a share of them, and at most HELD_OUT_ROWS."""
    held: list[int] = []
    count = 0
    for group in groups[: max(1, round(len(groups) * HELD_OUT_SHARE))]:
        if held and len(held) + len(group) > HELD_OUT_ROWS:
            break
        held += group
        count += 1
    return [position for group in groups[count:] for position in group], held


def _in_turns(positions: Sequence[int], openings: Sequence[str]) -> list[int]:
    """The first position of each opening, then the second of each, and so on."""
    counts: Counter[str] = Counter()
    turns = {}
    for at in positions:
        turns[at] = counts[openings[at]]
        counts[openings[at]] += 1
    return sorted(positions, key=turns.__getitem__)


def _joined(conversations: Sequence[str], openings: Sequence[str]) -> list[str]:
    """For each row the first name, by the alphabet, among the conversations that openings join with the row's own."""
    from scipy.cluster.hierarchy import DisjointSet

    sets, opened = DisjointSet(conversations), dict[str, str]()
    for conversation, each in zip(conversations, openings, strict=True):
        sets.merge(conversation, opened.setdefault(each, conversation))
    first = {name: min(joined) for joined in sets.subsets() for name in joined}
    return [first[name] for name in conversations]


def sample(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """The first `most` examples when their conversations are put into seeded order."""
    groups = grouped([example.conversation for example in examples], seed, "sample")
    return [examples[position] for group in groups for position in group][:most]
