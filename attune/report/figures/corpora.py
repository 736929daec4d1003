"""Figures of the corpora."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attune.report.figures.style import CYCLE, STYLE, WIDTH, grid, groups, label, subplots

# Emotions in a figure, the most frequent; with thousands it would be too high to be drawn.
MOST = 50
# Situations of an emotion of which a share says little: its 95 % interval spans some 35 points.
FEW = 30


def emotion_distribution(emotions: pd.DataFrame, corpora: str) -> Figure:
    """Share of each emotion in each split; emotions: one row per conversation, with split and emotion."""
    counts = pd.crosstab(emotions["emotion"], emotions["split"])[emotions["split"].unique()]
    names = sorted(counts.index, key=lambda name: (counts.loc[name].sum(), name))[-MOST:]
    figure, ((axes,),) = grid(WIDTH, 0.2 * len(names) + 1.2, 1, 1, axis="x")
    with mpl.rc_context(STYLE):
        thickness = 0.8 / len(counts.columns)
        for place, (split, count) in enumerate(counts.items()):
            shares = 100 * count[names] / count.sum()
            middles = [row + (place - (len(counts.columns) - 1) / 2) * thickness for row in range(len(names))]
            legend = f"{split} ({count.sum():,} conversations)"
            axes.barh(middles, shares, thickness, label=legend, color=CYCLE[place])
        axes.set_yticks(range(len(names)), map(label, names))
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("share of conversations (%)")
        axes.set_title(f"Emotions in {corpora}{_left_out(len(names), len(counts))}")
        figure.legend(frameon=False, loc="outside lower center", ncols=len(counts.columns))
    return figure


def text_lengths(lengths: pd.DataFrame) -> Figure:
    """Words per text as a box with whiskers for each kind; lengths: one row per text, with kind and words."""
    kinds = groups(lengths, "kind")[::-1]
    figure, ((axes,),) = grid(WIDTH, 0.36 * len(kinds) + 1.1, 1, 1, axis="x")
    with mpl.rc_context(STYLE):
        axes.boxplot(
            [rows["words"].clip(lower=1) for _, rows in kinds],
            orientation="horizontal",
            tick_labels=[f"{kind} ({len(rows):,})" for kind, rows in kinds],
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": "#CFE3F1", "edgecolor": CYCLE[0]},
            medianprops={"color": "black"},
        )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.set_xlabel("words (logarithmic)\nbox: quartiles; whiskers: 5th and 95th percentile")
        axes.set_title("Text lengths in the train splits")
    return figure


def confusion(counts: Mapping[str, Mapping[str, int]], accuracy: float, dialogues: pd.DataFrame) -> Figure:
    """The share of each emotion that the probe recognises, and what it takes the emotion for most often otherwise.

    counts[truth][predicted]: out-of-fold predictions. dialogues: one row per conversation that they are of, with
    emotion and situation; the conversations about one situation all count.
    """
    frequent = sorted(counts, key=lambda name: -sum(counts[name].values()))[:MOST]
    names = sorted(frequent, key=lambda name: _share(counts[name], name))
    figure, (axes,) = subplots(WIDTH, 0.2 * len(names) + 1.2)
    axes.grid(visible=False)
    shares = [100 * _share(counts[name], name) for name in names]
    axes.barh(range(len(names)), shares, 0.7, color=CYCLE[0])
    axes.set_yticks(range(len(names)), map(label, names))
    for height, (name, share) in enumerate(zip(names, shares, strict=True)):
        others = {guess: count for guess, count in counts[name].items() if guess != name and count}
        if others:
            guess = max(sorted(others), key=lambda each: others[each])
            text = f"else {label(guess)} ({100 * _share(counts[name], guess):.0f} %)"
            axes.annotate(text, (share, height), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_ylim(-0.6, len(names) - 0.4)
    # Beyond 100 % there is only room for texts.
    axes.set_xlim(0, 140)
    axes.spines["bottom"].set_bounds(0, 100)
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel(f"recognised (%), and what it is most often taken for otherwise\n{_sizes(dialogues)}")
    left_out = _left_out(len(names), len(counts))
    axes.set_title(f"Emotion probe: accuracy {100 * accuracy:.0f} % on held-out situations{left_out}")
    return figure


def _sizes(dialogues: pd.DataFrame) -> str:
    """How many the emotions have: "20–40 conversations about 5–10 situations per emotion"."""
    situations = dialogues.groupby("emotion")["situation"]
    conversations, distinct = situations.size(), situations.nunique()
    few = ":\nsingle shares say little" if distinct.min() < FEW else ""
    return f"({_range(conversations)} conversations about {_range(distinct)} situations per emotion{few})"


def _range(counts: pd.Series) -> str:
    return "–".join(map(str, dict.fromkeys((counts.min(), counts.max()))))


def _left_out(shown: int, all_: int) -> str:
    """What a title says where a figure does not show all emotions."""
    return "" if shown == all_ else f"\n(the {shown} most frequent of {all_:,})"


def _share(row: Mapping[str, int], guess: str) -> float:
    return row.get(guess, 0) / max(sum(row.values()), 1)
