"""What all figures share. Colours are Okabe and Ito's, which colour-blind readers can tell apart."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#6E6E6E"
CYCLE = (BLUE, ORANGE, GREEN, PINK, "#56B4E9", "#D55E00", "#000000")
MARKERS = ("o", "s", "^", "v")
# Inches. On a phone of 390 pixels a figure of this width has letters of some 9 pixels.
WIDTH = 5.4
LONGEST = 30  # letters of a label
# Ticks within a decade of a logarithmic axis, by how many decades it has at most; with more, there is none but 1.
_SUBS = {0.8: (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), 1.2: (1, 2, 3, 5), 2.2: (1, 2, 5)}
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
    "text.parse_math": False,  # labels are data: a dollar sign is one
}


def label(text: str) -> str:
    """A text from the data as a figure can show it: on one line, without control characters, and not too wide."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def wrapped(names: Iterable[str], width: int) -> tuple[list[str], float]:
    """Names on lines of so many letters, and the inches that the highest of them takes, with the space between two."""
    lines = [fill(name, width) for name in names]
    return lines, 0.06 + 0.15 * max((1 + each.count("\n") for each in lines), default=1)


def looks(count: int) -> list[tuple[str, str]]:
    """A colour and a marker for each of so many series; where colours come again, it is with another marker."""
    return [(CYCLE[at % len(CYCLE)], MARKERS[at // len(CYCLE) % len(MARKERS)]) for at in range(count)]


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write NAME.png (160 dpi) and NAME.svg into `folder`; the bytes depend on the figure alone."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # texts that were made outside of STYLE
    options: Any = {"png": {"dpi": 160, "metadata": {"Software": None}}, "svg": {"metadata": {"Date": None}}}
    for kind, settings in options.items():
        with mpl.rc_context(STYLE):
            figure.savefig(folder / f"{name}.{kind}", format=kind, bbox_inches="tight", **settings)


def subplots(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of `width` x `height` inches with a row of panels."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False, **options)
    return figure, list(axes[0])


def grid(
    width: float, height: float, rows: int, columns: int, axis: str = "y", **options: Any
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of `width` x `height` inches with rows of panels, whose grid lines belong to `axis`."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": axis, "axes.titlesize": 10}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [list(row) for row in axes]


def log_axis(axes: Axes) -> None:
    """A logarithmic y axis of what is drawn, whose ticks have plain numbers: so many that values can be read."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = next((subs for decades, subs in _SUBS.items() if high < low * 10**decades), (1,))
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=subs, numticks=9))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())


def groups(rows: pd.DataFrame, key: str) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each value of `key`, in the table's order."""
    return [(str(value), group) for value, group in rows.groupby(key, sort=False)]


def error_bars(rows: pd.DataFrame) -> Any:
    """(2, rows) lengths of the 95 % intervals below and above the values."""
    return [(rows["value"] - rows["low"]).clip(lower=0), (rows["high"] - rows["value"]).clip(lower=0)]
