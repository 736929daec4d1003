"""Figures of the generators. names: the generators or systems shown, each with its name in words."""

import math
from collections.abc import Mapping
from itertools import zip_longest
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.schemas import (
    NO_PERSONA,
    ORACLE_RAG,
    OTHER_PERSONA,
    OTHER_RAG,
    PERSONA_RAG,
    PLAIN,
    RAG,
    RETRIEVED,
)
from attune.report.figures.style import BLUE, CYCLE, GREEN, GREY, ORANGE, PINK, WIDTH, error_bars, grid, groups, wrapped
from attune.report.scores import format_of

Names = Mapping[str, str]
# Those by which retrieved and written replies are shown.
ANSWER_SCORES = {
    "similarity": "similarity to the\ntrue reply",
    "self_bleu": "self-BLEU (left: varied)",
}
EVERYDAY_SCORES = {
    "own_message": "nearest to its\nown message",
    "right_feeling_glad": "right feeling,\nglad writers",
    "right_feeling_troubled": "right feeling,\ntroubled writers",
}
# Points of a sweep whose names stand level below it.
MOST_LEVEL = 4


def training(curves: pd.DataFrame, names: Names) -> Figure:
    """Training (thin) and validation loss by step, one panel per generator that is trained.

    curves: columns generator, step, train_loss and valid_loss.
    """
    trained = [(name, rows) for name, rows in groups(curves, "generator") if rows["train_loss"].notna().any()]
    count = max(1, -(-len(trained) // 2))
    figure, panels = grid(WIDTH, 1.5 * count + 0.5, count, 2, sharey=True)
    for axes, each in zip_longest([axes for row in panels for axes in row], trained):
        if each is None:
            axes.remove()
            continue
        name, rows = each
        points, measured = rows.dropna(subset="train_loss"), rows.dropna(subset="valid_loss")
        axes.plot(points["step"], points["train_loss"], color=GREY, lw=0.8)
        axes.plot(measured["step"], measured["valid_loss"], color=BLUE, marker="o", ms=4)
        axes.set_title(fill(names[name], 28))
        axes.set_xlabel("step")
    figure.supylabel("nats per reply token (thin: training)", fontsize=9)
    return figure


def perplexities(scores: pd.DataFrame, names: Names) -> Figure:
    """Each generator's perplexity beside its base model's; scores: tidy, by system."""
    figure, axes = _rows(names, 1)
    marks = (("base_perplexity", "base model", GREY, "s"), ("perplexity", "generator", BLUE, "o"))
    for score, label, colour, marker in marks:
        values = scores[scores["score"] == score].set_index("system").loc[list(names), "value"].astype(float)
        axes.plot(values, range(len(names)), color=colour, marker=marker, ms=6, lw=0, label=label)
        offset = 5 if colour == GREY else -13  # above its base's mark, and below the generator's
        for height, value in enumerate(values):
            axes.annotate(f"{value:.1f}", (value, height), (0, offset), textcoords="offset points", ha="center")
    _legend(figure, axes, f"perplexity of {replies_tested(scores)} (left is better)")
    return figure


def replies_tested(scores: pd.DataFrame) -> str:
    """How many replies the perplexities in tidy scores are of: "36 test replies"."""
    counts = scores["value"][scores["score"] == "examples"].astype(int)
    return f"{'at most ' if counts.nunique() > 1 else ''}{counts.max():,} test replies"


def passages(scores: pd.DataFrame, names: Names, replies: str) -> Figure:
    """Perplexity of each generator without and with passages, with its interval; scores: tidy, by system.

    replies: what it is of, as `replies_tested` has it.
    """
    variants = {
        PLAIN: ("no passages", GREY, "s"),
        OTHER_RAG: ("another message's passages", PINK, "v"),
        RAG: ("passages", BLUE, "o"),
        PERSONA_RAG: ("reranked passages", ORANGE, "^"),
        ORACLE_RAG: ("ideal passages", GREEN, "D"),
    }
    return _variants(scores, names, variants, replies)


def personas(scores: pd.DataFrame, names: Names, replies: str) -> Figure:
    """Perplexity of each generator with the right persona, none, and another's; as `passages`."""
    variants = {
        PLAIN: ("the right persona", BLUE, "o"),
        NO_PERSONA: ("none", GREY, "s"),
        OTHER_PERSONA: ("another person's", ORANGE, "^"),
    }
    return _variants(scores, names, variants, replies)


def _variants(scores: pd.DataFrame, names: Names, variants: Mapping[str, tuple[str, str, str]], replies: str) -> Figure:
    """Perplexity by generator and variant, which has a label, a colour and a marker; a generator's are centred."""
    systems = scores[scores["score"] == "perplexity"].set_index("system")
    figure, axes = _rows(names, len(variants))
    measured = [[each for each in variants if system_of(name, each) in systems.index] for name in names]
    for variant, (label, colour, marker) in variants.items():
        having = [(at, name) for at, name in enumerate(names) if variant in measured[at]]
        if not having:
            continue
        rows = systems.loc[[system_of(name, variant) for _, name in having]]
        places = ((at, measured[at].index(variant) - (len(measured[at]) - 1) / 2) for at, _ in having)
        heights = [at + place * 0.8 / len(variants) for at, place in places]
        axes.errorbar(
            rows["value"],
            heights,
            xerr=error_bars(rows),
            fmt=marker,
            ms=5,
            lw=1.2,
            capsize=2,
            color=colour,
            label=label,
        )
        for value, high, height in zip(rows["value"], rows["high"], heights, strict=True):
            _beside(axes, f"{value:.1f}", value if math.isnan(high) else high, height)
    _legend(figure, axes, f"perplexity of {replies} (left is better; 95 % intervals)")
    return figure


def answered(scores: pd.DataFrame, panels: Mapping[str, str], names: Names, targets: str, size: str) -> Figure:
    """Retrieved and written replies to the same contexts, by the scores `panels` (score -> label).

    What the `targets`, a word for the true replies or those by hand, reach is a dashed line: a ceiling or reference.
    size: how many replies each system has.
    """
    systems = [each for each in dict.fromkeys(scores["system"]) if each != TARGETS]
    labels, height = wrapped((names[each] for each in systems), 18)
    figure, (row,) = grid(WIDTH, max(0.36, height) * len(systems) + 1.5, 1, len(panels), axis="x", sharey=True)
    for axes, (score, label) in zip(row, panels.items(), strict=True):
        rows = scores[scores["score"] == score].set_index("system")
        shown = rows.reindex(systems)
        for place, (system, each) in enumerate(shown.iterrows()):
            colour = ORANGE if system == RETRIEVED else BLUE
            reach = None if pd.isna(each["low"]) else error_bars(shown.iloc[[place]])
            axes.errorbar(each["value"], place, xerr=reach, fmt="o", ms=5, lw=1.2, capsize=2, color=colour)
        reached = float(rows["value"].get(TARGETS, math.nan))
        if not math.isnan(reached) and score != "similarity":  # the true replies' similarity to themselves is 1
            axes.axvline(reached, color="black", lw=1, ls="--")
            label += f"\n({targets}: {reached:.2g})"
        axes.set_xlim(left=1.05 * min([0.0, *shown["value"].astype(float), *shown["low"].astype(float)]))
        axes.xaxis.set_major_formatter("{x:g}")  # short, for the next panel's begins where this one's ends
        axes.set_xlabel(label, fontsize=8)
    figure.supxlabel(size, fontsize=9)
    row[0].set_yticks(range(len(systems)), labels)
    row[0].set_ylim(len(systems) - 0.5, -0.5)
    return figure


def sweep(scores: pd.DataFrame, best: str, names: Names) -> Figure:
    """Repetition, diversity and similarity at each point of the decoding sweep; scores: tidy, by generator and point.

    best: the point that was chosen, and has a star.
    """
    shown = {
        "replies_repeated_3grams": "repeated trigrams (%)",
        "distinct_2": "distinct bigrams",
        "similarity": "similarity",
    }
    known = {score: label for score, label in shown.items() if (scores["score"] == score).any()}
    points, drawn = list(dict.fromkeys(scores["point"])), scores["generator"].nunique()
    figure, panels = grid(WIDTH, 1.5 * len(known) + 0.6, len(known), 1, sharex=True)
    for (axes,), (score, label) in zip(panels, known.items(), strict=True):
        shares = scores[scores["score"] == score].astype(dict.fromkeys(("value", "low", "high"), float))
        shares[["value", "low", "high"]] *= 100 if format_of(score).percent else 1
        for place, (name, rows) in enumerate(groups(shares, "generator")):
            colour = CYCLE[place % len(CYCLE)]
            aside = 0.08 * (place - (drawn - 1) / 2)  # so that no interval covers another
            at = [points.index(point) + aside for point in rows["point"]]
            axes.errorbar(
                at, rows["value"], yerr=error_bars(rows), color=colour, marker="o", ms=5, capsize=2, label=names[name]
            )
            value = rows.loc[rows["point"] == best, "value"]
            axes.plot([points.index(best) + aside], value, color=colour, marker="*", ms=13, lw=0)
        axes.set_ylabel(label)
    slant: Any = {"rotation": 30, "ha": "right"} if len(points) > MOST_LEVEL else {}
    panels[-1][0].set_xticks(range(len(points)), points, **slant)
    panels[-1][0].set_xlabel("temperature / top-k / top-p (star: chosen)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2)
    return figure


def _rows(names: Names, each: int) -> tuple[Figure, Axes]:
    """Axes with one labelled row per name, high enough for it and for `each` marks."""
    labels, height = wrapped(names.values(), 20)
    figure, ((axes,),) = grid(WIDTH, max(height, 0.3 + 0.17 * each) * len(names) + 1.0, 1, 1, axis="x")
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    return figure, axes


def _beside(axes: Axes, text: str, right: float, height: float) -> None:
    """A text to the right of a mark's interval, in black: not every colour of marks is dark enough to be read."""
    axes.annotate(text, (right, height), (4, 0), textcoords="offset points", va="center", fontsize=8)


def _legend(figure: Figure, axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    # The last letters of a value stand to the right of its mark or interval.
    right = axes.dataLim.x1
    axes.set_xlim(0, 1.12 * right if math.isfinite(right) and right > 0 else 1)  # infinite where nothing is drawn
    handles, labels = axes.get_legend_handles_labels()
    style: Any = {"frameon": False, "loc": "outside upper center", "columnspacing": 1}
    figure.legend(handles, labels, ncols=4 if len(handles) < 5 else 3, **style)
