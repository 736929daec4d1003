"""Figures of the generators."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from attune.report.figures.style import BLUE, CYCLE, ERROR, GREY, ORANGE, error_bars, groups, subplots


def training(curves: pd.DataFrame) -> Figure:
    """Training (thin) and validation loss by step; curves: columns generator, step, train_loss and valid_loss."""
    figure, (axes,) = subplots(6.4, 3.6)
    for place, (name, rows) in enumerate(groups(curves, "generator")):
        for column, style in (
            ("train_loss", {"lw": 0.7, "alpha": 0.6}),
            ("valid_loss", {"marker": "o", "ms": 4, "label": name}),
        ):
            points = rows.dropna(subset=column)
            if not points.empty:  # a prompted base model is not trained
                axes.plot(points["step"], points[column], color=CYCLE[place % len(CYCLE)], **style)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on reply tokens (nats per token)")
    axes.set_title("Generators: training (thin) and validation loss")
    axes.legend(frameon=False)
    return figure


def perplexities(scores: pd.DataFrame, generators: Sequence[str]) -> Figure:
    """Each generator's perplexity beside its base model's; scores: tidy, by system."""
    figure, (axes,) = subplots(1.5 * len(generators) + 1, 3.3)
    for place, (score, label, colour) in enumerate(
        (("base_perplexity", "base model", GREY), ("perplexity", "generator", BLUE))
    ):
        values = scores[scores["score"] == score].set_index("system").loc[list(generators), "value"]
        middles = [row + (place - 0.5) * 0.4 for row in range(len(generators))]
        bars = axes.bar(middles, values, 0.38, label=label, color=colour)
        axes.bar_label(bars, fmt="{:.1f}", fontsize=8, padding=1)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.15)
    axes.set_xticks(range(len(generators)), _two_lines(generators))
    axes.set_ylabel("perplexity of test replies")
    axes.set_title("Generators and their base models: perplexity of reply tokens")
    axes.legend(frameon=False)
    return figure


def passages(scores: pd.DataFrame, generators: Sequence[str]) -> Figure:
    """Perplexity of each generator without and with passages, with its interval; scores: tidy, by system."""
    variants = {
        "": ("without passages", GREY),
        "+rag": ("with passages", BLUE),
        "+persona_rag": ("with passages reranked by CoBERT", ORANGE),
    }
    systems = scores[scores["score"] == "perplexity"].set_index("system")
    figure, (axes,) = subplots(1.7 * len(generators) + 1.2, 3.5)
    for place, (ending, (label, colour)) in enumerate(variants.items()):
        rows = systems.loc[[name + ending for name in generators]]
        bars = axes.bar(
            [row + (place - 1) * 0.28 for row in range(len(generators))],
            rows["value"],
            0.26,
            label=label,
            color=colour,
            yerr=error_bars(rows),
            error_kw=ERROR,
        )
        axes.bar_label(bars, fmt="{:.1f}", fontsize=7, padding=1)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.05)
    axes.set_xticks(range(len(generators)), _two_lines(generators))
    axes.set_ylabel("perplexity of test replies")
    axes.set_title("Generation without and with retrieved passages (lines: 95 % intervals)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def sweep(scores: pd.DataFrame) -> Figure:
    """Repetition against diversity at each point of the decoding sweep; scores: tidy, by generator and point."""
    figure, (axes,) = subplots(5.2, 3.6)
    for place, (name, rows) in enumerate(groups(scores, "generator")):
        points = rows.set_index("point")
        distinct = points.loc[points["score"] == "distinct_2", "value"]
        repeated = points.loc[points["score"] == "replies_repeated_3grams", ["value", "low", "high"]]
        colour = CYCLE[place % len(CYCLE)]
        percent = 100 * repeated["value"]
        reach = [100 * side for side in error_bars(repeated)]
        axes.errorbar(distinct, percent, yerr=reach, color=colour, marker="o", ms=5, lw=1.2, capsize=2, label=name)
        offset = (5, -9 if place % 2 else 5)
        for point in distinct.index:
            at = (distinct[point], percent[point])
            axes.annotate(point, at, offset, textcoords="offset points", fontsize=7, color=colour)
    axes.set_xlabel("distinct bigrams per bigram generated")
    axes.set_ylabel("repeated trigrams (%)")
    axes.set_title("Decoding sweep: temperature/top_k/top_p")
    axes.legend(frameon=False)
    return figure


def _two_lines(generators: Sequence[str]) -> list[str]:
    return [name.replace("_", "\n", 1) for name in generators]
