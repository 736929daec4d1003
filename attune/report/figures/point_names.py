"""Names beside the points of a figure, where there is room for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from attune.report.figures.style import GREY
from attune.report.names import ranking_name

# How wide a letter is, and how far a mark reaches to each side, in decades.
_LETTER, _MARK = 0.07, 0.05
# From a point, or from the end of the line that leads to its name, to the name, in decades.
_GAP = 0.06
# How many decades are as long as a line of text is high.
_DECADES_PER_LINE = 0.14
# Lines by which a name is moved up or down, and decades by which it is moved aside.
_UP = sorted((lines / 2 for lines in range(-10, 11)), key=abs)
_ASIDE = (0.0, 0.15)
# What a place costs, in lines of distance: text on text, on a mark or on the level part of the front; a name that leads
# over another point; one that is nearer to another point than to its own; one on an upright part of the front.
_ON_ANOTHER, _OVER, _NEARER, _ON_FRONT = 100.0, 10.0, 4.0, 3.0
# How many places of each name are looked at, the cheapest, and from how many random choices of them.
_CANDIDATES, _DESCENTS = 30, 60


@dataclass(frozen=True)
class _Box:
    """What lies from `start` to `end`, in decades, and from `low` to `high`, in lines."""

    start: float
    end: float
    low: float
    high: float

    def meets(self, other: "_Box") -> bool:
        across = self.start < other.end and other.start < self.end
        return across and self.low < other.high and other.low < self.high

    def distance(self, at: float, level: float) -> float:
        """How far a point is, in lines."""
        across = max(self.start - at, at - self.end, 0.0) / _DECADES_PER_LINE
        return math.hypot(across, max(self.low - level, level - self.high, 0.0))


@dataclass(frozen=True)
class _Place:
    """A place for the name of the point at `at` (decades) and `level` (lines), and where the line to it ends."""

    at: float
    level: float
    end: float
    right: bool
    box: _Box

    @property
    def middle(self) -> float:
        return (self.box.low + self.box.high) / 2

    @property
    def line(self) -> _Box:
        """What the line to the name may touch."""
        across, along = sorted((self.at, self.end)), sorted((self.level, self.middle))
        return _Box(across[0] - 0.01, across[1] + 0.01, *along)

    @property
    def moved(self) -> float:
        """How far the name is from where it would stand level with its point, in lines."""
        return abs(self.middle - self.level) + abs(self.end - self.at) / _DECADES_PER_LINE


def _decades(cost: float, linear_to: float) -> float:
    """Where a cost stands on the axis, whose part below `linear_to` is linear and as wide as a decade."""
    return math.log10(cost) if cost > linear_to else math.log10(linear_to) - 1 + cost / linear_to


def _places(at: float, level: float, width: float, aside: bool) -> list[_Place]:
    """To the right and to the left of a point, also moved up and down; aside: also further to that side."""
    places = []
    for up in _UP:
        for further in _ASIDE if aside and up else _ASIDE[:1]:
            for right in (True, False):
                end = at + further if right else at - further
                start = end + _GAP if right else end - _GAP - width
                middle = level + up
                places.append(_Place(at, level, end, right, _Box(start, start + width, middle - 0.5, middle + 0.5)))
    return places


def _own_cost(place: _Place, marks: Sequence[_Box], level: Sequence[_Box], upright: Sequence[_Box]) -> float:
    """What a place costs whatever the others' are. marks: those of other points."""
    own = place.box.distance(place.at, place.level)
    cost = place.moved + _ON_ANOTHER * sum(place.box.meets(each) for each in (*marks, *level))
    cost += _OVER * sum(place.line.meets(mark) for mark in marks) if place.moved else 0.0
    nearer = (place.box.distance((mark.start + mark.end) / 2, (mark.low + mark.high) / 2) < own for mark in marks)
    return cost + _NEARER * any(nearer) + _ON_FRONT * sum(place.box.meets(each) for each in upright)


def _shared_cost(one: _Place, other: _Place) -> float:
    """What two names cost each other: lying on one another or on the other's line, or not in their points' order."""
    led_over = (one.moved and one.line.meets(other.box)) or (other.moved and other.line.meets(one.box))
    beside = one.right == other.right and one.box.start < other.box.end and other.box.start < one.box.end
    swapped = beside and (one.level - other.level) * (one.middle - other.middle) < 0
    return _ON_ANOTHER * one.box.meets(other.box) + _OVER * (bool(led_over) + swapped)


def _choose(candidates: Sequence[Sequence[_Place]], costs: Sequence[Sequence[float]]) -> list[_Place]:
    """One place for each name, so that the sum of the costs is low: the best of some descents, one name at a time.

    A single descent often ends where two names would have to move at once.
    """
    width = min(_CANDIDATES, *map(len, candidates))
    ranks = [sorted(range(len(own)), key=own.__getitem__)[:width] for own in costs]
    own = np.array([[each[at] for at in rank] for each, rank in zip(costs, ranks, strict=True)])
    places = [[each[at] for at in rank] for each, rank in zip(candidates, ranks, strict=True)]
    count = len(places)
    shared = np.zeros((count, width, count, width))
    for one, other in combinations(range(count), 2):
        pairs = [[_shared_cost(here, there) for there in places[other]] for here in places[one]]
        shared[one, :, other], shared[other, :, one] = np.array(pairs), np.array(pairs).T
    rng, every = np.random.default_rng(0), np.arange(count)
    found: list[tuple[float, list[int]]] = []
    for _ in range(_DESCENTS):
        chosen, before = rng.integers(width, size=count), None
        while before is None or (chosen != before).any():
            before = chosen.copy()
            for number in range(count):
                chosen[number] = np.argmin(own[number] + shared[number][:, every, chosen].sum(1).round(6))
        total = own[every, chosen].sum() + shared[every, chosen][:, every, chosen].sum() / 2
        found.append((round(float(total), 6), chosen.tolist()))
    return [each[at] for each, at in zip(places, min(found)[1], strict=True)]


def name_points(axes: Axes, points: pd.DataFrame, front: pd.DataFrame, linear_to: float) -> None:
    """Each method's name beside its point, level with it where there is room, else with a line that leads to it.

    Names keep off each other, off marks and off the level parts of the line of the `front`.
    """
    bottom, top = axes.get_ylim()
    height = (top - bottom) / 36
    corners = [(_decades(row["cost"], linear_to), row["mrr"] / height) for row in front.to_dict("records")]
    level = [_Box(at, end, mrr - 0.1, mrr + 0.1) for (at, mrr), (end, _) in pairwise(corners)]
    upright = [_Box(at - 0.01, at + 0.01, low, mrr) for (_, low), (at, mrr) in pairwise(corners)]
    rows = points.sort_values("mrr").to_dict("records")
    spots = [(_decades(row["cost"], linear_to), row["mrr"] / height) for row in rows]
    marks = [_Box(at - _MARK, at + _MARK, mrr - 0.4, mrr + 0.4) for at, mrr in spots]
    names = [ranking_name(row["model"]) for row in rows]
    leftmost = _decades(axes.get_xlim()[0], linear_to)
    candidates, costs = [], []
    for number, ((at, mrr), row, name) in enumerate(zip(spots, rows, names, strict=True)):
        # What costs nothing has no decades in which its name could be moved aside.
        places = _places(at, mrr, _LETTER * len(name), aside=row["cost"] > linear_to)
        candidates.append([each for each in places if each.box.start > leftmost])
        others = [mark for place, mark in enumerate(marks) if place != number]
        costs.append([_own_cost(each, others, level, upright) for each in candidates[-1]])
    for row, name, place in zip(rows, names, _choose(candidates, costs), strict=True):
        end, middle = row["cost"] * 10 ** (place.end - place.at), height * place.middle
        axes.plot([row["cost"], end], [row["mrr"], middle], color=GREY, lw=0.7, zorder=1.2)
        # Above the lines, of which the white edge hides little.
        edge = [withStroke(linewidth=1.5, foreground="white")]
        style: Any = {"textcoords": "offset points", "fontsize": 8, "va": "center", "zorder": 2.5, "path_effects": edge}
        style |= {"xytext": (6, 0), "ha": "left"} if place.right else {"xytext": (-6, 0), "ha": "right"}
        axes.annotate(name, (end, middle), **style)
