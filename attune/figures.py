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
_ERROR: Any = {"lw": 0.8, "capsize": 1.5, "ecolor": "#444444"}
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
    """Bars of one score: a panel a subset, a group a domain, a bar a model (scores[subset][domain][model]).

    The lines are 95 percent intervals: `score_low` and `score_high`.
    """
    figure, panels = _figure(4.6 * len(scores) + 0.6, 3.5, len(scores), sharey=True)
    for axes, (subset, domains) in zip(panels, scores.items(), strict=True):
        models = list(next(iter(domains.values())))
        width = 0.8 / len(models)
        colours = dict(zip(models, (GREY, *_CYCLE), strict=False))
        for place, model in enumerate(models):
            middles = [group + (place - (len(models) - 1) / 2) * width for group in range(len(domains))]
            values = [models_scores[model][score] for models_scores in domains.values()]
            reach = _reach([each[model] for each in domains.values()], score)
            bars = axes.bar(
                middles, values, width * 0.94, label=model, color=colours[model], yerr=reach, error_kw=_ERROR
            )
            axes.bar_label(bars, fmt="{:.2f}" if max(values) < 10 else "{:.0f}", fontsize=6.5, padding=1)
        if chance is not None:
            axes.axhline(chance, color="black", lw=0.9, ls=":", label=f"chance ({chance:.3f})")
        axes.set_xticks(range(len(domains)), list(domains))
        axes.set_title(f"{subset} subset")
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel(label)
    panels[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _reach(scores: Sequence[Mapping[str, float]], score: str) -> list[list[float]]:
    """How far the intervals go below and above."""
    return [
        [max(each[score] - each[f"{score}_low"], 0) for each in scores],
        [max(each[f"{score}_high"] - each[score], 0) for each in scores],
    ]


def methods(scores: Mapping[str, Mapping[str, Mapping[str, float]]], among: str) -> Figure:
    """MRR of each way to match with its interval: a panel a domain and their mean (scores[domain][method])."""
    names = list(next(iter(scores.values())))
    with mpl.rc_context(_STYLE | {"axes.grid.axis": "x"}):
        figure, panels = _figure(
            2.3 * len(scores) + 1.2, 0.27 * len(names) + 1.1, len(scores), sharey=True, sharex=True
        )
    for axes, (domain, each) in zip(panels, scores.items(), strict=True):
        for row, name in enumerate(reversed(names)):
            found = each[name]
            trained = "loss" in found and name != "untrained"
            axes.errorbar(
                found["mrr"],
                row,
                xerr=_reach([found], "mrr"),
                fmt="o" if trained else "s",
                color=BLUE if trained else GREY,
                ms=4.5,
                lw=1.2,
                capsize=2,
            )
            axes.text(found["mrr"], row + 0.18, f"{found['mrr']:.2f}", ha="center", fontsize=6.5)
        axes.set_title(domain)
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
        axes.set_ylim(-0.6, len(names) - 0.2)
        axes.set_xlabel("test MRR")
    figure.suptitle(f"Ways to match, {among} (circles: trained; lines: 95 % intervals)")
    return figure


def personas(scores: Mapping[str, Mapping[str, float]], among: str) -> Figure:
    """MRR by the number of persona sentences, with its interval (scores[number])."""
    counts = sorted(scores, key=int)
    figure, (axes,) = _figure(4.6, 3.2)
    values = [scores[count]["mrr"] for count in counts]
    reach = _reach([scores[count] for count in counts], "mrr")
    axes.errorbar(range(len(counts)), values, yerr=reach, marker="o", color=BLUE, ms=5, lw=1.4, capsize=3)
    for place, value in enumerate(values):
        axes.annotate(f"{value:.2f}", (place, value), (5, 5), textcoords="offset points", fontsize=8)
    axes.set_xticks(range(len(counts)), counts)
    axes.set_xlabel("persona sentences, in training and in the test")
    axes.set_ylabel(f"test MRR ({among})")
    axes.set_title("CoBERT with fewer and more persona sentences")
    return figure


def transfer(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """MRR of training domain x test domain as a heat map (scores[trained][tested])."""
    trained = list(scores)
    tested = list(scores[trained[0]])
    table = [[scores[row][column]["mrr"] for column in tested] for row in trained]
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure, (axes,) = _figure(1.2 * len(tested) + 1.8, 0.9 * len(trained) + 1.3)
    axes.imshow(table, cmap="cividis", aspect="auto")
    axes.grid(visible=False)
    middle = (min(map(min, table)) + max(map(max, table))) / 2
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            found = scores[trained[row]][tested[column]]
            text = f"{value:.2f}\n{found['mrr_low']:.2f} to {found['mrr_high']:.2f}"
            colour = "black" if value > middle else "white"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(tested)), tested)
    axes.set_yticks(range(len(trained)), trained)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title("Test MRR from domain to domain")
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
