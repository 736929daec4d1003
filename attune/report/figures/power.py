"""Figures about what a test can tell."""

from itertools import cycle, product
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attune.report.figures.style import CYCLE, GREY, STYLE, WIDTH, subplots

# Where the number of a square stands, pair after pair, since neighbours may need nearly the same.
_SIDES: tuple[Any, ...] = (
    {"xytext": (-4, -11), "ha": "right"},
    {"xytext": (3, 5), "ha": "right"},
    {"xytext": (6, 3), "ha": "left"},
)


def contexts(intervals: pd.DataFrame, needed: pd.DataFrame) -> Figure:
    """Half the width of a difference's interval by the number of contexts, and the contexts that differences need.

    intervals: before, after, contexts and half_width. needed: before, after, difference and contexts. Half-widths and
    contexts that are not known are left out.
    """
    intervals = intervals.astype({"half_width": float})
    needed = needed.dropna().astype({"contexts": int})
    with mpl.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure, (axes,) = subplots(WIDTH, 4.6)
    looks = cycle(product(("-", "--", ":"), CYCLE))
    pairs = zip(intervals.groupby(["before", "after"], sort=False), looks, cycle(_SIDES), strict=False)
    for ((before, after), rows), (line, colour), side in pairs:
        label, widths = f"{after} against {before}", rows["half_width"]
        axes.plot(rows["contexts"], widths, color=colour, marker="o", ms=3, lw=1.4, ls=line, label=label)
        seen = needed[(needed["before"] == before) & (needed["after"] == after)]
        axes.plot(seen["contexts"], seen["difference"], color=colour, marker="s", ms=5, ls="", mfc="white")
        for contexts, difference in zip(seen["contexts"], seen["difference"], strict=True):
            axes.annotate(
                f"{contexts:,}", (contexts, difference), textcoords="offset points", fontsize=8, color=colour, **side
            )
    axes.plot([], [], color=GREY, marker="o", ms=3, label="lines: half-width of the 95 % interval")
    axes.plot([], [], color=GREY, marker="s", ls="", mfc="white", label="squares: seen in 80 % of test sets")
    for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        set_scale("log")
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(mpl.ticker.NullFormatter())
        axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    if intervals["half_width"].isna().all():
        axes.set_ylim(0.01, 1)  # a logarithmic axis without points has no range
    axes.set_xlim(right=2.2 * max(*intervals["contexts"], *needed["contexts"]))
    axes.set_xlabel("test contexts")
    axes.set_ylabel("difference in MRR")
    axes.set_title("How many test contexts it takes to see a difference")
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
    return figure
