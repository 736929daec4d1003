"""Figures about what a test can tell."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attune.report.figures.style import CYCLE, GREY, STYLE, subplots


def contexts(intervals: pd.DataFrame, needed: pd.DataFrame) -> Figure:
    """Half the width of a difference's interval by the number of contexts, and the contexts that differences need.

    intervals: before, after, contexts and half_width. needed: before, after, difference and contexts.
    """
    with mpl.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure, (axes,) = subplots(6.4, 4.0)
    for ((before, after), rows), colour in zip(intervals.groupby(["before", "after"], sort=False), CYCLE, strict=False):
        axes.plot(
            rows["contexts"], rows["half_width"], color=colour, marker="o", ms=3, lw=1.4, label=f"{before} to {after}"
        )
        seen = needed[(needed["before"] == before) & (needed["after"] == after)]
        axes.plot(seen["contexts"], seen["difference"], color=colour, marker="s", ms=5, ls="", mfc="white")
    for difference, rows in needed.groupby("difference"):
        axes.axhline(float(str(difference)), color=GREY, lw=0.8, ls=":")
        least, most = rows["contexts"].min(), rows["contexts"].max()
        text = f"{difference:g}: {least} to {most}" if least < most else f"{difference:g}: {least}"
        axes.annotate(
            f"{text} contexts", (most, float(str(difference))), (6, 3), textcoords="offset points", fontsize=8
        )
    axes.plot([], [], color=GREY, marker="s", ls="", mfc="white", label="seen in 80 % of test sets")
    for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        set_scale("log")
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(mpl.ticker.NullFormatter())
        axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.set_xlim(right=2.2 * max(intervals["contexts"].max(), needed["contexts"].max()))
    axes.set_xlabel("test contexts")
    axes.set_ylabel("difference in MRR (lines: half its interval)")
    axes.set_title("Test contexts that a difference needs")
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    return figure
