"""Test rows with nobody's or another person's persona, to measure what a model gains from the right one."""

from collections.abc import Sequence
from typing import Any

from attune.core.determinism import seeded

Rows = list[dict[str, Any]]


def without(rows: Sequence[dict[str, Any]]) -> Rows:
    """Each row with no persona sentence."""
    return [row | {"personas": []} for row in rows]


def exchanged(rows: Sequence[dict[str, Any]], seed: int) -> Rows:
    """Each row with the persona of another, a different one; each persona is used as often as before.

    Where more than half of the rows share one persona, some of them keep it.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for position, row in enumerate(rows):
        groups.setdefault(tuple(row["personas"]), []).append(position)
    # Equal personas stand together, so a shift by the largest group's size leads out of every group.
    drawn = seeded(seed, "another's persona").sample(sorted(groups), len(groups))
    order = [position for persona in drawn for position in groups[persona]]
    shift = max(map(len, groups.values()), default=0)
    givers = dict(zip(order, order[shift:] + order[:shift], strict=True))
    return [row | {"personas": rows[givers[position]]["personas"]} for position, row in enumerate(rows)]
