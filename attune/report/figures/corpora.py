"""Figures of the corpora."""

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from attune.report.figures.style import CYCLE, STYLE, figure_of


def emotion_distribution(emotions: Mapping[str, Sequence[str]]) -> Figure:
    """Share of each emotion in each split (split -> the emotion of every conversation)."""
    counts = {split: Counter(values) for split, values in emotions.items()}
    totals: Counter[str] = sum(counts.values(), Counter())
    names = sorted(totals, key=lambda name: (totals[name], name))
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, (axes,) = figure_of(6.4, 0.2 * len(names) + 1.2)
        thickness = 0.8 / len(counts)
        for place, (split, count) in enumerate(counts.items()):
            shares = [100 * count[name] / count.total() for name in names]
            middles = [row + (place - (len(counts) - 1) / 2) * thickness for row in range(len(names))]
            label = f"{split} ({count.total():,} conversations)"
            axes.barh(middles, shares, thickness, label=label, color=CYCLE[place])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("share of conversations (%)")
        axes.set_title("Emotions in EmpatheticDialogues")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.05), ncols=len(counts))
    return figure


def text_lengths(lengths: Mapping[str, Sequence[int]]) -> Figure:
    """How long the texts of each kind are in words (kind -> the length of each), as a box with whiskers."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, (axes,) = figure_of(6.2, 0.36 * len(lengths) + 1.1)
        axes.boxplot(
            list(lengths.values())[::-1],
            orientation="horizontal",
            tick_labels=[f"{kind} ({len(values):,})" for kind, values in lengths.items()][::-1],
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": "#CFE3F1", "edgecolor": CYCLE[0]},
            medianprops={"color": "black"},
        )
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xticks([0, 5, 10, 20, 50, 100, 200], ["0", "5", "10", "20", "50", "100", "200"])
        axes.set_xlabel("words (box: quartiles; whiskers: 5 and 95 %)")
        axes.set_title("Lengths of the texts, train splits")
    return figure


def confusion(counts: Mapping[str, Mapping[str, int]], accuracy: float) -> Figure:
    """What the emotion probe hears in held-out situations, as shares of each true emotion (counts[truth][guess])."""
    names = sorted({*counts, *(guess for each in counts.values() for guess in each)})
    table = [
        [counts.get(truth, {}).get(guess, 0) / max(sum(counts.get(truth, {}).values()), 1) for guess in names]
        for truth in names
    ]
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = figure_of(0.19 * len(names) + 2.2, 0.19 * len(names) + 1.8)
    shown = axes.imshow(table, cmap="cividis", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("heard by the probe")
    axes.set_ylabel("emotion of the situation")
    axes.set_title(f"Emotion probe: right on {100 * accuracy:.0f} % of held-out situations")
    figure.colorbar(shown, shrink=0.6, label="share of the row")
    return figure
