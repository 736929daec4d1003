"""What all figures share. Colours are Okabe and Ito's, for every kind of sight."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.core.files import whole_file

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#8C8C8C"
CYCLE = (BLUE, ORANGE, GREEN, PINK, "#56B4E9", "#D55E00", "#000000")
ERROR: Any = {"lw": 0.8, "capsize": 1.5, "ecolor": "#444444"}
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "svg.hashsalt": "attune",
}


def save(figure: Figure, folder: Path, name: str) -> None:
    """NAME.png, of 160 dots an inch, and NAME.svg, whose bytes depend on the figure alone."""
    options: Any = {"png": {"dpi": 160, "metadata": {"Software": None}}, "svg": {"metadata": {"Date": None}}}
    for kind, settings in options.items():
        with mpl.rc_context(STYLE), whole_file(folder / f"{name}.{kind}") as temporary:
            figure.savefig(temporary, format=kind, bbox_inches="tight", **settings)


def figure_of(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False, **options)
    return figure, list(axes[0])


def log_axis(axes: Axes) -> None:
    """A logarithmic axis whose marks are plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.yaxis.set_minor_locator(mpl.ticker.LogLocator(subs=(2, 5)))


def reach_of(scores: Sequence[Mapping[str, float]], score: str) -> list[list[float]]:
    """How far the intervals go below and above."""
    return [
        [max(each[score] - each[f"{score}_low"], 0) for each in scores],
        [max(each[f"{score}_high"] - each[score], 0) for each in scores],
    ]
