"""Figures of the generators."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.schemas import NO_PERSONA, ORACLE_RAG, OTHER_PERSONA, PERSONA_RAG, PLAIN, RAG, RETRIEVED
from attune.report.figures.style import BLUE, CYCLE, ERROR, GREEN, GREY, ORANGE, error_bars, groups, subplots


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
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
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
        PLAIN: ("without passages", GREY),
        RAG: ("with passages", BLUE),
        PERSONA_RAG: ("with passages reranked by CoBERT", ORANGE),
        ORACLE_RAG: ("with the passage most like the target", GREEN),
    }
    title = "Generation without and with retrieved passages (lines: 95 % intervals)"
    return _variants(scores, generators, variants, title)


def personas(scores: pd.DataFrame, generators: Sequence[str]) -> Figure:
    """Perplexity of each generator with the right persona, none, and another's; scores: tidy, by system."""
    variants = {
        PLAIN: ("with the right persona", BLUE),
        NO_PERSONA: ("without one", GREY),
        OTHER_PERSONA: ("with another one", ORANGE),
    }
    return _variants(scores, generators, variants, "Generation with a persona (lines: 95 % intervals)")


def _variants(
    scores: pd.DataFrame, generators: Sequence[str], variants: Mapping[str, tuple[str, str]], title: str
) -> Figure:
    """Bars of perplexity by generator and variant, which has a label and a colour; a missing variant leaves a gap."""
    systems = scores[scores["score"] == "perplexity"].set_index("system")
    figure, (axes,) = subplots(max(6.0, 1.9 * len(generators) + 1.2), 3.5)
    width = 0.84 / len(variants)
    for place, (variant, (label, colour)) in enumerate(variants.items()):
        rows = systems.reindex([system_of(name, variant) for name in generators])
        middles = [row + (place - (len(variants) - 1) / 2) * width for row in range(len(generators))]
        bars = axes.bar(
            middles, rows["value"], width * 0.93, label=label, color=colour, yerr=error_bars(rows), error_kw=ERROR
        )
        labels = ["" if math.isnan(value) else f"{value:.1f}" for value in rows["value"]]
        axes.bar_label(bars, labels, fontsize=7, padding=1)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.05)
    axes.set_xticks(range(len(generators)), _two_lines(generators))
    axes.set_ylabel("perplexity of test replies")
    axes.set_title(title)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def answered(scores: pd.DataFrame, panels: Mapping[str, str]) -> Figure:
    """Retrieved, written and true replies to the same contexts, by the scores `panels` (score -> label)."""
    systems = list(dict.fromkeys(scores["system"]))
    figure, each = subplots(3.1 * len(panels) + 1, 0.3 * len(systems) + 1.1, len(panels), sharey=True)
    for axes, (score, label) in zip(each, panels.items(), strict=True):
        rows = scores[scores["score"] == score].set_index("system").reindex(systems)
        colours = [{RETRIEVED: ORANGE, TARGETS: GREY}.get(system, BLUE) for system in systems]
        known = rows["low"].notna().any()
        axes.barh(systems, rows["value"], 0.7, color=colours, xerr=error_bars(rows) if known else None, error_kw=ERROR)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="x")
        axes.set_xlabel(label)
    each[0].invert_yaxis()
    figure.suptitle("Retrieved, written and true replies to the same contexts", fontsize=10)
    return figure


def sweep(scores: pd.DataFrame, best: str) -> Figure:
    """Repetition against diversity at each point of the decoding sweep; scores: tidy, by generator and point.

    best: the point that is marked with a star.
    """
    figure, (axes,) = subplots(5.2, 3.6)
    for place, (name, rows) in enumerate(groups(scores, "generator")):
        points = rows.set_index("point")
        distinct = points.loc[points["score"] == "distinct_2", "value"]
        repeated = points.loc[points["score"] == "replies_repeated_3grams", ["value", "low", "high"]]
        colour = CYCLE[place % len(CYCLE)]
        percent = 100 * repeated["value"]
        reach = [100 * side for side in error_bars(repeated)]
        axes.errorbar(distinct, percent, yerr=reach, color=colour, marker="o", ms=5, lw=1.2, capsize=2, label=name)
        axes.plot(distinct[[best]], percent[[best]], color=colour, marker="*", ms=13, lw=0)
        offset = (5, -9 if place % 2 else 5)
        for point in distinct.index:
            at = (distinct[point], percent[point])
            axes.annotate(point, at, offset, textcoords="offset points", fontsize=7, color=colour)
    axes.set_xlabel("distinct bigrams per bigram generated")
    axes.set_ylabel("repeated trigrams (%)")
    axes.set_title("Decoding sweep: temperature/top_k/top_p (star: best)")
    axes.legend(frameon=False)
    return figure


def _two_lines(generators: Sequence[str]) -> list[str]:
    return [name.replace("_", "\n", 1) for name in generators]
