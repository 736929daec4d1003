"""Figures of CoBERT and of the other ways to match."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from attune.report.figures.style import BLUE, CYCLE, ERROR, GREY, STYLE, figure_of, log_axis, reach_of


def training(curves: Mapping[tuple[str, str, str], Sequence[Mapping[str, str]]]) -> Figure:
    """Training (dashed) and validation loss by epoch, a panel a subset; curves by (recipe, subset, domain)."""
    subsets = list(dict.fromkeys(subset for _, subset, _ in curves))
    domains = list(dict.fromkeys(domain for _, _, domain in curves))
    recipes = list(dict.fromkeys(recipe for recipe, _, _ in curves))
    figure, panels = figure_of(3.9 * len(subsets) + 1.6, 3.4, len(subsets), sharey=True)
    for axes, subset in zip(panels, subsets, strict=True):
        for (recipe, size, domain), rows in curves.items():
            if size != subset:
                continue
            colour, marker = CYCLE[domains.index(domain)], "os^Dv"[recipes.index(recipe) % 5]
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
        log_axis(axes)
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
    figure, panels = figure_of(4.6 * len(scores) + 0.6, 3.5, len(scores), sharey=True)
    for axes, (subset, domains) in zip(panels, scores.items(), strict=True):
        models = list(next(iter(domains.values())))
        width = 0.8 / len(models)
        colours = dict(zip(models, (GREY, *CYCLE), strict=False))
        for place, model in enumerate(models):
            middles = [group + (place - (len(models) - 1) / 2) * width for group in range(len(domains))]
            values = [models_scores[model][score] for models_scores in domains.values()]
            reach = reach_of([each[model] for each in domains.values()], score)
            bars = axes.bar(
                middles, values, width * 0.94, label=model, color=colours[model], yerr=reach, error_kw=ERROR
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


def methods(scores: Mapping[str, Mapping[str, Mapping[str, float]]], among: str) -> Figure:
    """MRR of each way to match with its interval: a panel a domain and their mean (scores[domain][method])."""
    names = list(next(iter(scores.values())))
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, panels = figure_of(
            2.3 * len(scores) + 1.2, 0.27 * len(names) + 1.1, len(scores), sharey=True, sharex=True
        )
    for axes, (domain, each) in zip(panels, scores.items(), strict=True):
        for row, name in enumerate(reversed(names)):
            found = each[name]
            trained = "loss" in found and name != "untrained"
            axes.errorbar(
                found["mrr"],
                row,
                xerr=reach_of([found], "mrr"),
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
    figure, (axes,) = figure_of(4.6, 3.2)
    values = [scores[count]["mrr"] for count in counts]
    reach = reach_of([scores[count] for count in counts], "mrr")
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
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = figure_of(1.2 * len(tested) + 1.8, 0.9 * len(trained) + 1.3)
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
