"""Figures of the corpora."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attune.report.figures.style import CYCLE, STYLE, groups, subplots


def emotion_distribution(emotions: pd.DataFrame, corpora: str) -> Figure:
    """Share of each emotion in each split; emotions: one row per conversation, with split and emotion."""
    counts = pd.crosstab(emotions["emotion"], emotions["split"])[emotions["split"].unique()]
    names = sorted(counts.index, key=lambda name: (counts.loc[name].sum(), name))
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, (axes,) = subplots(6.4, 0.2 * len(names) + 1.2)
        thickness = 0.8 / len(counts.columns)
        for place, (split, count) in enumerate(counts.items()):
            shares = 100 * count[names] / count.sum()
            middles = [row + (place - (len(counts.columns) - 1) / 2) * thickness for row in range(len(names))]
            label = f"{split} ({count.sum():,} conversations)"
            axes.barh(middles, shares, thickness, label=label, color=CYCLE[place])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("share of conversations (%)")
        axes.set_title(f"Emotions in {corpora}")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.05), ncols=len(counts.columns))
    return figure


def text_lengths(lengths: pd.DataFrame) -> Figure:
    """Words per text as a box with whiskers for each kind; lengths: one row per text, with kind and words."""
    kinds = groups(lengths, "kind")[::-1]
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, (axes,) = subplots(6.2, 0.36 * len(kinds) + 1.1)
        axes.boxplot(
            [rows["words"] for _, rows in kinds],
            orientation="horizontal",
            tick_labels=[f"{kind} ({len(rows):,})" for kind, rows in kinds],
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": "#CFE3F1", "edgecolor": CYCLE[0]},
            medianprops={"color": "black"},
        )
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xticks([0, 5, 10, 20, 50, 100, 200], ["0", "5", "10", "20", "50", "100", "200"])
        axes.set_xlabel("words (box: quartiles; whiskers: 5th and 95th percentile)")
        axes.set_title("Text lengths in the train splits")
    return figure


def confusion(counts: Mapping[str, Mapping[str, int]], accuracy: float) -> Figure:
    """The emotion probe's out-of-fold predictions as shares of each true emotion; counts[truth][predicted]."""
    names = sorted({*counts, *(guess for each in counts.values() for guess in each)})
    table = pd.DataFrame(counts).T.reindex(index=names, columns=names).fillna(0)
    shares = table.div(table.sum(axis="columns").clip(lower=1), axis="index")
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = subplots(0.19 * len(names) + 2.2, 0.19 * len(names) + 1.8)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("predicted emotion")
    axes.set_ylabel("true emotion")
    axes.set_title(f"Emotion probe: accuracy {100 * accuracy:.0f} % on held-out situations")
    figure.colorbar(image, shrink=0.6, label="share of the row")
    return figure
