"""The figure of models that were trained with several seeds."""

from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.report.figures.style import BLUE, ORANGE, WIDTH, error_bars, grid


def seeds(models: pd.DataFrame) -> Figure:
    """One panel per score: each model's seeds as dots, beside their mean with its 95 % interval.

    models: the records of `evaluation.seeds` that are of a model: label, score, mean, low, high and by_seed.
    """
    scores = [(str(score), rows) for score, rows in models.groupby("score", sort=False)]
    figure, panels = grid(WIDTH, 2.4 * len(scores) + 0.5, len(scores), 1)
    for (axes,), (score, rows) in zip(panels, scores, strict=True):
        _panel(axes, rows.rename(columns={"mean": "value"}))
        axes.set_ylabel({"mrr": "test MRR"}.get(score, score))
    figure.legend(*panels[0][0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    dots = [(place - 0.12, value) for place, seeds in enumerate(rows["by_seed"]) for value in seeds.values()]
    axes.plot(*zip(*dots, strict=True), ls="", marker="o", ms=4, color=ORANGE, label="one seed")
    axes.errorbar(
        [place + 0.12 for place in range(len(rows))], rows["value"], yerr=error_bars(rows), fmt="s", ms=5, capsize=3,
        color=BLUE, label="mean, 95 % interval over seeds and test units",
    )  # fmt: skip
    axes.set_xticks(range(len(rows)), [fill(label, 14) for label in rows["label"]])
    axes.set_xlim(-0.6, len(rows) - 0.4)
