"""Test rows with nobody's or another person's persona, to measure what a model gains from the right one."""

from collections.abc import Sequence
from typing import Any

from attune.core.determinism import seeded
from attune.core.text import repeated
from attune.evaluation.testing.exchange import givers

Rows = list[dict[str, Any]]


def without(rows: Sequence[dict[str, Any]]) -> Rows:
    """Each row with no persona sentence."""
    return [row | {"personas": []} for row in rows]


def exchanged(rows: Sequence[dict[str, Any]], seed: int, draw: int = 0) -> Rows:
    """Each row that has a persona with that of another person; nothing where there are not two people with one.

    Each persona is used as often as before, unless one person has more than half of the rows. Sentences that the reply
    repeats are left out, unless the responders' own personas have such sentences (`drop_repeated_personas: false`).
    draw: what one draw gives depends on who gets whose, so that there are several (`exchange.DRAWS`).
    """
    kept = any(repeated(each, row["response"]) for row in rows for each in row["personas"])
    given_by = givers(_by_person(rows), seeded(seed, "another's persona", draw))
    given = list(rows) if given_by else []
    for position, other in given_by.items():
        row = rows[position]
        sentences = [each for each in rows[other]["personas"] if kept or not repeated(each, row["response"])]
        given[position] = row | {"personas": sentences}
    return given


def _by_person(rows: Sequence[dict[str, Any]]) -> list[list[int]]:
    """The positions of each person's rows, people in alphabetical order; without rows that have no persona.

    Own data do not say which conversations are one person's, and rows lack the sentences that their replies repeat. Two
    rows are of one person if their sentences and those that they lack can be of one list.
    """
    people: dict[int, tuple[set[str], tuple[str, ...], list[int]]] = {}
    having: dict[tuple[int, str], set[int]] = {}
    for position, row in enumerate(rows):
        known, first, positions = set(row["personas"]), tuple(row["personas"]), [position]
        size = len(row["personas"]) + row["dropped_personas"]
        for each in sorted({each for sentence in known for each in having.get((size, sentence), ())}):
            if len(people[each][0] | known) <= size:
                others, other, before = people.pop(each)
                known, first, positions = known | others, min(first, other), before + positions
                for sentence in others:
                    having[size, sentence].remove(each)
        if known:
            people[position] = known, first, positions
            for sentence in known:
                having.setdefault((size, sentence), set()).add(position)
    return [sorted(positions) for _, _, positions in sorted(people.values(), key=lambda person: person[1])]
