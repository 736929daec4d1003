"""Names beside the points of a figure, where there is room for them."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from attune.report.figures.style import GREY
from attune.report.names import ranking_name

# Lines by which a name is moved up or down, and decades by which it is moved to the right as well, nearest first.
_MOVES = sorted(
    ((sign * lines, right) for lines in range(1, 40) for right in (0.0, 0.15) for sign in (1, -1)),
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

    def lies_between(self, at: float, level: float, name: "_Box") -> bool:
        """Whether the line to `name` from the point at `at` and `level` may cross this mark."""
        low, high = sorted((level, name.level))
        return self.start < max(at, name.start) and min(at, name.end) < self.end and low < self.level < high


def _decades(cost: float, linear_to: float) -> float:
    """Where a cost stands on the axis, whose part below `linear_to` is linear and as wide as a decade."""
    return math.log10(cost) if cost > linear_to else math.log10(linear_to) - 1 + cost / linear_to


def name_points(axes: Axes, points: pd.DataFrame, front: pd.DataFrame, linear_to: float) -> None:
    """Each method's name beside its point, where neither side is free above or below.

    Names keep off the level parts of the line of the `front`.
    """
    height = axes.get_ylim()[1] / 32
    steps = [_decades(cost, linear_to) for cost in front["cost"]]
    taken = [_Box(*step) for step in zip(steps, steps[1:], front["mrr"], strict=False)]
    rows = points.assign(at=[_decades(cost, linear_to) for cost in points["cost"]]).sort_values("mrr")
    # The mark of a point reaches some 0.05 decades to each side, and a letter is about 0.046 decades wide.
    marks = {row["model"]: _Box(row["at"] - 0.05, row["at"] + 0.05, row["mrr"]) for row in rows.to_dict("records")}
    for row in rows.to_dict("records"):
        text = ranking_name(row["model"])
        other_marks = [mark for model, mark in marks.items() if model != row["model"]]
        others = [*taken, *other_marks]
        right = _Box(row["at"] + 0.06, row["at"] + 0.06 + 0.046 * len(text), row["mrr"])
        left = _Box(row["at"] - 0.06 - 0.046 * len(text), row["at"] - 0.06, row["mrr"])
        # What costs nothing has no decades in which its name could be moved aside.
        moves = [(0, 0.0), *(move for move in _MOVES if not move[1] or row["cost"] > linear_to)]
        places = [
            _Box(side.start + sign * aside, side.end + sign * aside, side.level + lines * height)
            for lines, aside in moves
            for side, sign in ((right, 1), (left, -1))
        ]
        places = [
            each for each in places
            if each.start > _decades(0, linear_to)
            and not any(each.meets(other, height) for other in others)
            and not any(mark.lies_between(row["at"], row["mrr"], each) for mark in other_marks)
        ]  # fmt: skip
        place = places[0] if places else right
        taken.append(place)
        aside = max(0.0, place.start - right.start) - max(0.0, left.end - place.end)
        end = row["cost"] * 10**aside if aside else row["cost"]
        axes.plot([row["cost"], end], [row["mrr"], place.level], color=GREY, lw=0.5, zorder=0)
        box = {"facecolor": "white", "lw": 0, "pad": 0.4}
        style: Any = {"textcoords": "offset points", "fontsize": 7, "va": "center", "bbox": box, "zorder": 1.5}
        # Below the marks, above the lines.
        style |= {"xytext": (6, 0), "ha": "left"} if place.end > row["at"] else {"xytext": (-6, 0), "ha": "right"}
        axes.annotate(text, (end, place.level), **style)
