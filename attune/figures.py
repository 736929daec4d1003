"""The figures, from rows alone: no file is read here. Colours are Okabe and Ito's, for every kind of sight."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.files import whole_file

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#8C8C8C"
_CYCLE = (BLUE, ORANGE, GREEN, PINK, "#56B4E9", "#D55E00", "#000000")
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "svg.hashsalt": "attune",
}


def save(figure: Figure, path: Path) -> None:
    """A PNG of 160 dots an inch whose bytes depend on the figure alone."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=160, metadata={"Software": None}, bbox_inches="tight")


def _figure(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False, **options)
    return figure, list(axes[0])


def _log_axis(axes: Axes) -> None:
    """A logarithmic axis whose marks are plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.yaxis.set_minor_locator(mpl.ticker.LogLocator(subs=(2, 5)))


def emotion_distribution(emotions: Mapping[str, Sequence[str]]) -> Figure:
    """Share of each emotion in each split (split -> the emotion of every conversation)."""
    counts = {split: Counter(values) for split, values in emotions.items()}
    totals: Counter[str] = sum(counts.values(), Counter())
    names = sorted(totals, key=lambda name: (totals[name], name))
    with mpl.rc_context(_STYLE | {"axes.grid.axis": "x"}):
        figure, (axes,) = _figure(6.4, 0.2 * len(names) + 1.2)
        thickness = 0.8 / len(counts)
        for place, (split, count) in enumerate(counts.items()):
            shares = [100 * count[name] / count.total() for name in names]
            middles = [row + (place - (len(counts) - 1) / 2) * thickness for row in range(len(names))]
            label = f"{split} ({count.total():,} conversations)"
            axes.barh(middles, shares, thickness, label=label, color=_CYCLE[place])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("share of conversations (%)")
        axes.set_title("Emotions in EmpatheticDialogues")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.05), ncols=len(counts))
    return figure


def cobert_training(curves: Mapping[tuple[str, str, str], Sequence[Mapping[str, str]]]) -> Figure:
    """Training (dashed) and validation loss by epoch, a panel a subset; curves by (recipe, subset, domain)."""
    subsets = list(dict.fromkeys(subset for _, subset, _ in curves))
    domains = list(dict.fromkeys(domain for _, _, domain in curves))
    recipes = list(dict.fromkeys(recipe for recipe, _, _ in curves))
    figure, panels = _figure(3.9 * len(subsets) + 1.6, 3.4, len(subsets), sharey=True)
    for axes, subset in zip(panels, subsets, strict=True):
        for (recipe, size, domain), rows in curves.items():
            if size != subset:
                continue
            colour, marker = _CYCLE[domains.index(domain)], "os^Dv"[recipes.index(recipe) % 5]
            valid = [(int(row["epoch"]), float(row["valid_loss"])) for row in rows]
            train = [(int(row["epoch"]), float(row["train_loss"])) for row in rows if row["train_loss"]]
            axes.plot(
                *zip(*valid, strict=True),
                color=colour,
                marker=marker,
                ms=4,
                lw=1.4,
                label=f"{recipe}, {domain}",
            )
            axes.plot(*zip(*train, strict=True), color=colour, marker=marker, ms=3, lw=0.9, ls="--")
        axes.set_title(f"{subset} subset")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        _log_axis(axes)
    panels[0].set_ylabel("cross-entropy (nats); dashed: training batches")
    panels[-1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("CoBERT: loss of training and validation")
    return figure


def comparison(
    scores: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]],
    score: str,
    label: str,
    chance: float | None = None,
) -> Figure:
    """Bars of one score: a panel a subset, a group a domain, a bar a model (scores[subset][domain][model])."""
    figure, panels = _figure(3.9 * len(scores) + 0.6, 3.3, len(scores), sharey=True)
    for axes, (subset, domains) in zip(panels, scores.items(), strict=True):
        models = list(next(iter(domains.values())))
        width = 0.8 / len(models)
        colours = dict(zip(models, (GREY, *_CYCLE), strict=False))
        for place, model in enumerate(models):
            middles = [group + (place - (len(models) - 1) / 2) * width for group in range(len(domains))]
            values = [models_scores[model][score] for models_scores in domains.values()]
            bars = axes.bar(middles, values, width * 0.94, label=model, color=colours[model])
            axes.bar_label(bars, fmt="{:.2f}" if max(values) < 10 else "{:.0f}", fontsize=7, padding=1)
        if chance is not None:
            axes.axhline(chance, color="black", lw=0.9, ls=":", label=f"chance ({chance:.3f})")
        axes.set_xticks(range(len(domains)), list(domains))
        axes.set_title(f"{subset} subset")
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel(label)
    panels[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def generator_training(curves: Mapping[str, Sequence[Mapping[str, str]]]) -> Figure:
    """Training (thin) and validation loss of each generator by step, one panel."""
    figure, (axes,) = _figure(6.4, 3.6)
    for place, (name, rows) in enumerate(curves.items()):
        colour = _CYCLE[place % len(_CYCLE)]
        for column, style in (
            ("train_loss", {"lw": 0.7, "alpha": 0.6}),
            ("valid_loss", {"marker": "o", "ms": 4}),
        ):
            points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
            label = name if column == "valid_loss" else None
            axes.plot(*zip(*points, strict=True), color=colour, label=label, **style)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on reply tokens (nats a token)")
    axes.set_title("Generators: loss of training (thin) and validation")
    axes.legend(frameon=False)
    return figure


def perplexities(scores: Mapping[str, Mapping[str, float]]) -> Figure:
    """Each generator's perplexity beside its base's, on a logarithmic axis."""
    figure, (axes,) = _figure(1.5 * len(scores) + 1, 3.3)
    for place, (key, label, colour) in enumerate(
        (("base_perplexity", "its base, untrained", GREY), ("perplexity", "trained", BLUE))
    ):
        values = [each[key] for each in scores.values()]
        bars = axes.bar(
            [row + (place - 0.5) * 0.4 for row in range(len(scores))], values, 0.38, label=label, color=colour
        )
        axes.bar_label(bars, fmt="{:.1f}", fontsize=8, padding=1)
    _log_axis(axes)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.5)
    axes.set_xticks(range(len(scores)), [name.replace("_", "\n", 1) for name in scores])
    axes.set_ylabel("perplexity of test replies")
    axes.set_title("Generators: perplexity, reply tokens alone")
    axes.legend(frameon=False)
    return figure
