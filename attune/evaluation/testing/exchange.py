"""Which row gets what another row has, of another person or about something else."""

from collections.abc import Mapping, Sequence
from random import Random

# Draws of who gets whose persona, over which losses and ranks are averaged: one may be a lucky one.
DRAWS = 3


def givers(groups: Sequence[Sequence[int]], draws: Random) -> Mapping[int, int]:
    """For each position in `groups` a position of another group, at random; empty for fewer than two groups.

    Each position gives once, unless one group has more than half of all.
    """
    if len(groups) < 2:
        return {}
    # A group's positions stand together, so a shift by the largest group's size leads out of every group.
    drawn = draws.sample(list(groups), len(groups))
    order = [(number, position) for number, group in enumerate(drawn) for position in group]
    shift = max(map(len, groups))
    largest = max(range(len(drawn)), key=lambda number: len(drawn[number]))
    others = [position for number, position in order if number != largest]
    given = {}
    for place, (number, position) in enumerate(order):
        giver, other = order[(place + shift) % len(order)]
        # The same group only if it has more than half of all positions.
        given[position] = others[place % len(others)] if giver == number else other
    return given
