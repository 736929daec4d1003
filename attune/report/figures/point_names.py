"""Names beside the points of a figure, where there is room for them."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from attune.report.figures.style import GREY
from attune.report.names import ranking_name

# Lines by which a name is moved up or down, and decades by which it is moved aside as well, nearest first.
_MOVES = sorted(
    ((sign * lines, aside) for lines in range(1, 40) for aside in (0.0, 0.15) for sign in (1, -1)),
    key=lambda move: abs(move[0]) + 20 * move[1],
)


@dataclass(frozen=True)
class _Box:
    """Where a name or a mark lies: from `start` to `end`, in decades, at `level`."""

    start: float
    end: float
    level: float

    def meets(self, other: "_Box", height: float) -> bool:
        return self.start < other.end and other.start < self.end and abs(self.level - other.level) < height


@dataclass(frozen=True)
class _Place:
    """A place for the name of the point at `at` and `level`, and where the line that leads to it ends, in decades."""

    at: float
    level: float
    box: _Box
    end: float

    def leads_over(self, mark: _Box) -> bool:
        low, high = sorted((self.level, self.box.level))
        near, far = sorted((self.at, self.end))
        return mark.start < far and near < mark.end and low < mark.level < high


def _decades(cost: float, linear_to: float) -> float:
    """Where a cost stands on the axis, whose part below `linear_to` is linear and as wide as a decade."""
    return math.log10(cost) if cost > linear_to else math.log10(linear_to) - 1 + cost / linear_to


def _places(at: float, level: float, width: float, height: float, aside: bool) -> list[_Place]:
    """To the right and to the left of a point, then moved up and down; aside: moved further to that side as well."""
    places = []
    for lines, further in [(0, 0.0), *(move for move in _MOVES if aside or not move[1])]:
        right, left, moved = at + further, at - further, level + lines * height
        places.append(_Place(at, level, _Box(right + 0.06, right + 0.06 + width, moved), right))
        places.append(_Place(at, level, _Box(left - 0.06 - width, left - 0.06, moved), left))
    return places


def name_points(axes: Axes, points: pd.DataFrame, front: pd.DataFrame, linear_to: float) -> None:
    """Each method's name beside its point, where neither side is free above or below.

    Names keep off the level parts of the line of the `front`, and lines that lead to them off other points.
    """
    height = axes.get_ylim()[1] / 36
    steps = [_decades(cost, linear_to) for cost in front["cost"]]
    taken = [_Box(*step) for step in zip(steps, steps[1:], front["mrr"], strict=False)]
    rows = points.assign(at=[_decades(cost, linear_to) for cost in points["cost"]]).sort_values("mrr")
    # The mark of a point reaches some 0.05 decades to each side, and a letter is about 0.07 decades wide.
    marks = {row["model"]: _Box(row["at"] - 0.05, row["at"] + 0.05, row["mrr"]) for row in rows.to_dict("records")}
    for row in rows.to_dict("records"):
        text = ranking_name(row["model"])
        others = [mark for model, mark in marks.items() if model != row["model"]]
        # What costs nothing has no decades in which its name could be moved aside.
        places = _places(row["at"], row["mrr"], 0.07 * len(text), height, aside=row["cost"] > linear_to)
        free = [
            each for each in places
            if each.box.start > _decades(0, linear_to)
            and not any(each.box.meets(other, height) for other in [*taken, *others])
        ]  # fmt: skip
        place = min(free, key=lambda each: any(each.leads_over(mark) for mark in others), default=places[0])
        taken.append(place.box)
        end = row["cost"] * 10 ** (place.end - row["at"])
        axes.plot([row["cost"], end], [row["mrr"], place.box.level], color=GREY, lw=0.7, zorder=1.2)
        # Below the marks and the front, above the lines that lead to names, of which the white edge hides little.
        edge = [withStroke(linewidth=1.5, foreground="white")]
        style: Any = {"textcoords": "offset points", "fontsize": 8, "va": "center", "zorder": 1.5, "path_effects": edge}
        style |= {"xytext": (6, 0), "ha": "left"} if place.box.end > place.end else {"xytext": (-6, 0), "ha": "right"}
        axes.annotate(text, (end, place.box.level), **style)
