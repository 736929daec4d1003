"""Figures of CoBERT and of the other matching methods."""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.evaluation.ranking.summary import MEAN
from attune.report.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    STYLE,
    WIDTH,
    error_bars,
    grid,
    groups,
    log_axis,
    looks,
    subplots,
)  # fmt: skip
from attune.report.names import ranking_name


def training(curves: pd.DataFrame) -> Figure:
    """Training (dashed) and validation loss by epoch, and below them the validation MRR, by which weights are chosen.

    One pair of panels per recipe and subset, one colour per domain; the epoch of the chosen weights has a star.
    curves: columns recipe, subset, domain, epoch, train_loss, valid_loss and valid_mrr.
    """
    recipes, subsets, domains = (curves[key].unique().tolist() for key in ("recipe", "subset", "domain"))
    figure, panels = grid(WIDTH, 2.6 * len(recipes) + 0.6, 2 * len(recipes), len(subsets), sharey="row", sharex="row")
    look = dict(zip(domains, looks(len(domains)), strict=True))
    for place, recipe in enumerate(recipes):
        for losses, ranks, subset in zip(panels[2 * place], panels[2 * place + 1], subsets, strict=True):
            rows = curves[(curves["recipe"] == recipe) & (curves["subset"] == subset)]
            for domain, curve in groups(rows, "domain"):
                _learning(losses, ranks, curve, *look[domain])
            losses.set_title(textwrap.fill(f"{ranking_name(recipe)}, {subset} subset", 28))
            losses.tick_params(labelbottom=False)
            ranks.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
            log_axis(losses)
        panels[2 * place][0].set_ylabel("loss (nats)")
        panels[2 * place + 1][0].set_ylabel("valid. MRR")
    for axes in panels[-1]:
        axes.set_xlabel("epoch")
    figure.legend(*panels[0][0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=4)
    return figure


def _learning(losses: Axes, ranks: Axes, curve: pd.DataFrame, colour: str, marker: str) -> None:
    """The curves of one model; weights of epochs alone are chosen, not those before training."""
    domain = curve["domain"].iloc[0]
    losses.plot(curve["epoch"], curve["valid_loss"], color=colour, marker=marker, ms=3, lw=1.4, label=domain)
    trained = curve.dropna(subset="train_loss")
    losses.plot(trained["epoch"], trained["train_loss"], color=colour, marker=".", ms=3, lw=0.9, ls="--")
    ranks.plot(curve["epoch"], curve["valid_mrr"], color=colour, marker=marker, ms=3, lw=1.4)
    chosen = curve[curve["epoch"] > 0].nlargest(1, "valid_mrr")
    ranks.plot(chosen["epoch"], chosen["valid_mrr"], color=colour, marker="*", ms=10, lw=0)


def comparison(scores: pd.DataFrame, score: str, label: str, chance: float | None = None) -> Figure:
    """One score with 95 % intervals: one panel per subset, one row per model, one colour per domain; means as diamonds.

    scores: tidy, by subset, domain and model. chance: the value of a random ranking.
    """
    known = scores[scores["score"] == score]
    if known["domain"].nunique() == 2:  # the mean of a single domain is that domain
        known = known[known["domain"] != MEAN]
    subsets, models = groups(known, "subset"), scores["model"].unique().tolist()
    height = max(0.5, 0.12 * known["domain"].nunique())
    figure, (panels,) = grid(WIDTH, height * len(models) + 1.3, 1, len(subsets), axis="x", sharey=True, sharex=True)
    for axes, (subset, rows) in zip(panels, subsets, strict=True):
        _points(axes, rows, models)
        if chance is not None:
            axes.axvline(chance, color="black", lw=0.9, ls=":", label=f"chance ({chance:.3f})")
        axes.set_title(f"{subset} subset")
    panels[0].set_yticks(range(len(models)), [textwrap.fill(ranking_name(model), 18) for model in models])
    figure.supxlabel(label, fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=5)
    return figure


def _points(axes: Axes, rows: pd.DataFrame, models: Sequence[str], filled: Collection[str] | None = None) -> None:
    """Each domain's values with their intervals, models from top to bottom; the mean, or a single domain, with numbers.

    filled: the models with filled marks, all by default.
    """
    domains = groups(rows, "domain")
    for place, ((domain, each), (colour, marker)) in enumerate(zip(domains, looks(len(domains)), strict=True)):
        is_mean = domain == MEAN or len(domains) == 1
        colour, marker = ("black", "D") if is_mean else (colour, marker)
        shift = (place - (len(domains) - 1) / 2) * 0.7 / len(domains)
        heights = [models.index(model) + shift for model in each["model"]]
        bars = axes.errorbar(each["value"], heights, xerr=error_bars(each), fmt="none", ecolor=colour, lw=1, capsize=2)
        bars.set_label("_nolegend_")
        faces = [colour if filled is None or model in filled else "white" for model in each["model"]]
        marks: Any = {"marker": marker, "s": 26 if is_mean else 16, "zorder": 3}
        axes.scatter(each["value"], heights, facecolors=faces, edgecolors=colour, label=domain, **marks)
        if is_mean:
            for value, high, height in zip(each["value"], each["high"], heights, strict=True):
                axes.annotate(
                    f"{value:.2f}",
                    (max(value, high), height),
                    (5, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=9,
                )
    axes.set_yticks(range(len(models)), [ranking_name(model) for model in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.margins(x=0.12)


def chance_mrr(candidates: int) -> float:
    """The mean reciprocal rank of a random ranking: the mean of 1 / 1, 1 / 2, ..., 1 / candidates."""
    return sum(1 / rank for rank in range(1, candidates + 1)) / candidates


def methods(panels: Mapping[str, pd.DataFrame], trained: Sequence[str], candidates: str) -> Figure:
    """MRR of each matching method with its interval, the best of the first panel first.

    panels: by title, tidy scores by model; a method that is not in one is left out there. trained: the models whose
    marks are filled. candidates: of a context, "100 candidates".
    """
    shown = {title: scores[scores["score"] == "mrr"] for title, scores in panels.items()}
    first = next(iter(shown.values()))
    order = first.sort_values("value", ascending=False, kind="stable")["model"].tolist()
    figure, (row,) = grid(WIDTH, 0.3 * len(order) + 1.1, 1, len(shown), axis="x", sharey=True, sharex=True)
    for axes, (title, rows) in zip(row, shown.items(), strict=True):
        _points(axes, rows.assign(domain=MEAN), order, trained)
        axes.set_title("\n".join(textwrap.wrap(title, 24)), fontsize=9)
    figure.supxlabel(f"test MRR among {candidates} (filled: trained; lines: 95 % intervals)", fontsize=9)
    return figure


def pareto_front(points: pd.DataFrame) -> pd.DataFrame:
    """The rows that no other beats: none costs at most as much and ranks better. By cost; columns `cost`, `mrr`."""
    ordered = points.sort_values(["cost", "mrr"], ascending=[True, False], kind="stable")
    return ordered[ordered["mrr"] > ordered["mrr"].cummax().shift(fill_value=-1.0)]


def costs(points: pd.DataFrame, trained: Sequence[str], label: str, linear_to: float) -> Figure:
    """MRR of each matching method beside what it costs to rank one context, the cheapest first, and the Pareto front.

    points: one row per method, with model, mrr and cost. trained: the models that are drawn as circles. label: of the
    axis of costs, which is linear up to `linear_to` where one costs less: counting words costs next to nothing.
    """
    rows = points.sort_values(["cost", "mrr"], kind="stable").reset_index(drop=True)
    front = rows[rows["model"].isin(pareto_front(points)["model"])]
    figure, (panels,) = grid(WIDTH, 0.3 * len(rows) + 1.3, 1, 2, axis="x", sharey=True)
    for axes, column in zip(panels, ("mrr", "cost"), strict=True):
        for kind, marker, colour in (("trained", "o", BLUE), ("not trained", "s", GREY)):
            of_kind = rows[rows["model"].isin(trained) == (kind == "trained")]
            axes.plot(of_kind[column], of_kind.index, marker, color=colour, ms=5.5, label=kind)
        axes.plot(front[column], front.index, "o", color=ORANGE, mfc="none", mew=1.6, ms=9, label="Pareto front")
    for place, value in rows["mrr"].items():
        panels[0].annotate(f"{value:.2f}", (value, place), (8, 0), textcoords="offset points", va="center", fontsize=8)
    panels[0].set_yticks(rows.index, [ranking_name(model) for model in rows["model"]])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    panels[0].margins(x=0.18)
    panels[0].set_xlabel("test MRR")
    least, most = points["cost"].min(), points["cost"].max()
    if least > linear_to:
        panels[1].set_xscale("log")
        panels[1].set_xlim(least / 3, most * 3)
    else:
        panels[1].set_xscale("symlog", linthresh=linear_to)
        panels[1].set_xlim(-linear_to / 2, most * 3)
    panels[1].xaxis.set_major_formatter("{x:g}")
    panels[1].set_xlabel(textwrap.fill(label, 28))
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3)
    figure.suptitle("Ways to match: quality and cost", fontsize=10)
    return figure


def personas(scores: pd.DataFrame, candidates: str, trained: str) -> Figure:
    """MRR by the number of persona sentences, with its interval.

    scores: tidy, by sentences. candidates: of a context, "100 candidates". trained: the models.
    """
    rows = scores[scores["score"] == "mrr"]
    figure, (axes,) = subplots(4.6, 3.2)
    places = range(len(rows))
    axes.errorbar(places, rows["value"], yerr=error_bars(rows), marker="o", color=BLUE, ms=5, lw=1.4, capsize=3)
    for place, value in zip(places, rows["value"], strict=True):
        axes.annotate(f"{value:.2f}", (place, value), (5, 5), textcoords="offset points", fontsize=8)
    axes.set_xticks(places, rows["sentences"])
    axes.set_xlabel("persona sentences in training and testing")
    axes.set_ylabel(f"test MRR ({candidates})")
    axes.set_title(f"Number of persona sentences\n({trained})")
    return figure


def transfer(scores: pd.DataFrame) -> Figure:
    """MRR by the domains of training and of testing, as a heat map; scores: tidy, by trained and tested."""
    rows = scores[scores["score"] == "mrr"]
    trained, tested = (rows[key].unique().tolist() for key in ("trained", "tested"))
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = subplots(1.2 * len(tested) + 1.8, 0.9 * len(trained) + 1.3)
    values = rows["value"].to_numpy().reshape(len(trained), len(tested))
    axes.imshow(values, cmap="Blues", aspect="auto", vmin=0, vmax=1)
    axes.grid(visible=False)
    for row in rows.to_dict("records"):
        interval = "" if math.isnan(row["low"]) else f"\n{row['low']:.2f} to {row['high']:.2f}"
        text = f"{row['value']:.2f}{interval}"
        colour = "black" if row["value"] < 0.6 else "white"
        place = (tested.index(row["tested"]), trained.index(row["trained"]))
        axes.text(*place, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(tested)), tested)
    axes.set_yticks(range(len(trained)), trained)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title("Test MRR by training and test domain")
    return figure
