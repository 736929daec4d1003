"""Figures of CoBERT and of the other matching methods."""

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attune.report.figures.style import (
    BLUE,
    CYCLE,
    ERROR,
    GREY,
    ORANGE,
    STYLE,
    error_bars,
    groups,
    log_axis,
    subplots,
)


def training(curves: pd.DataFrame) -> Figure:
    """Training (dashed) and validation loss by epoch, one panel per subset.

    curves: columns recipe, subset, domain, epoch, train_loss and valid_loss.
    """
    subsets = groups(curves, "subset")
    recipes, domains = (curves[key].unique().tolist() for key in ("recipe", "domain"))
    figure, panels = subplots(3.9 * len(subsets) + 1.6, 3.4, len(subsets), sharey=True)
    for axes, (subset, rows) in zip(panels, subsets, strict=True):
        for recipe, of_recipe in groups(rows, "recipe"):
            for domain, curve in groups(of_recipe, "domain"):
                colour, marker = CYCLE[domains.index(domain)], "os^Dv"[recipes.index(recipe) % 5]
                label = f"{recipe}, {domain}"
                axes.plot(curve["epoch"], curve["valid_loss"], color=colour, marker=marker, ms=4, lw=1.4, label=label)
                trained = curve.dropna(subset="train_loss")
                axes.plot(trained["epoch"], trained["train_loss"], color=colour, marker=marker, ms=3, lw=0.9, ls="--")
        axes.set_title(f"{subset} subset")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        log_axis(axes)
    panels[0].set_ylabel("cross-entropy (nats); dashed: training")
    panels[-1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("CoBERT: training and validation loss")
    return figure


def comparison(scores: pd.DataFrame, score: str, label: str, chance: float | None = None) -> Figure:
    """Bars of one score with 95 % intervals: one panel per subset, one group per domain, one bar per model.

    scores: tidy, by subset, domain and model. `chance`: the value of a random ranking.
    """
    subsets = groups(scores[scores["score"] == score], "subset")
    figure, panels = subplots(4.6 * len(subsets) + 0.6, 3.5, len(subsets), sharey=True)
    for axes, (subset, rows) in zip(panels, subsets, strict=True):
        _bars(axes, rows)
        if chance is not None:
            axes.axhline(chance, color="black", lw=0.9, ls=":", label=f"chance ({chance:.3f})")
        domains = rows["domain"].unique()
        axes.set_xticks(range(len(domains)), domains)
        axes.set_title(f"{subset} subset")
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel(label)
    panels[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _bars(axes: Axes, rows: pd.DataFrame) -> None:
    models = groups(rows, "model")
    width = 0.8 / len(models)
    for place, ((model, each), colour) in enumerate(zip(models, (GREY, *CYCLE), strict=False)):
        middles = [group + (place - (len(models) - 1) / 2) * width for group in range(len(each))]
        bars = axes.bar(
            middles,
            each["value"],
            width * 0.94,
            label=model,
            color=colour,
            yerr=error_bars(each),
            error_kw=ERROR,
        )
        axes.bar_label(bars, fmt="{:.2f}" if each["value"].max() < 10 else "{:.0f}", fontsize=6.5, padding=1)


def chance_mrr(candidates: int) -> float:
    """The mean reciprocal rank of a random ranking: the mean of 1 / 1, 1 / 2, ..., 1 / candidates."""
    return sum(1 / rank for rank in range(1, candidates + 1)) / candidates


def methods(scores: pd.DataFrame, trained: Sequence[str], candidates: int) -> Figure:
    """MRR of each matching method with its interval: one panel per domain and, if there are several, for their mean.

    scores: tidy, by domain and model; the last domain is the mean. `trained`: the models that are drawn as circles.
    """
    domains = groups(scores[scores["score"] == "mrr"], "domain")
    domains = domains if len(domains) > 2 else domains[:1]
    models = domains[0][1]["model"].tolist()[::-1]
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure, panels = subplots(
            max(2.3 * len(domains) + 1.2, 5.6), 0.27 * len(models) + 1.1, len(domains), sharey=True, sharex=True
        )
    for axes, (domain, rows) in zip(panels, domains, strict=True):
        for height, model in enumerate(models):
            point = rows[rows["model"] == model]
            marker, colour = ("o", BLUE) if model in trained else ("s", GREY)
            axes.errorbar(
                point["value"], height, xerr=error_bars(point), fmt=marker, color=colour, ms=4.5, lw=1.2, capsize=2
            )
            mrr = point["value"].item()
            axes.text(mrr, height + 0.18, f"{mrr:.2f}", ha="center", fontsize=6.5)
        axes.set_title(domain)
        axes.set_yticks(range(len(models)), [model.replace("_", " ") for model in models])
        axes.set_ylim(-0.6, len(models) - 0.2)
        axes.set_xlabel("test MRR")
    figure.suptitle(f"Matching methods, {candidates} candidates (circles: trained; lines: 95 % intervals)")
    return figure


def pareto_front(points: pd.DataFrame) -> pd.DataFrame:
    """The rows that no other beats: none costs at most as much and ranks better. By cost; columns `cost`, `mrr`."""
    ordered = points.sort_values(["cost", "mrr"], ascending=[True, False], kind="stable")
    return ordered[ordered["mrr"] > ordered["mrr"].cummax().shift(fill_value=-1.0)]


def costs(points: pd.DataFrame, trained: Sequence[str], label: str, linear_to: float) -> Figure:
    """MRR of each matching method against what it costs to rank one context, and the Pareto front.

    points: one row per method, with model, mrr, low, high and cost. trained: the models that are drawn as circles.
    label: of the axis of costs, which is logarithmic from `linear_to` on, since counting words costs next to nothing.
    """
    figure, (axes,) = subplots(7.2, 4.6)
    front = pareto_front(points)
    axes.step(front["cost"], front["mrr"], where="post", color=ORANGE, lw=1.2, label="Pareto front", zorder=1)
    for row in points.to_dict("records"):
        marker, colour = ("o", BLUE) if row["model"] in trained else ("s", GREY)
        edge = ORANGE if row["model"] in set(front["model"]) else colour
        axes.plot(row["cost"], row["mrr"], marker, color=colour, mec=edge, mew=1.6, ms=5.5)
    axes.set_xscale("symlog", linthresh=linear_to)
    axes.set_xlim(-linear_to / 4, points["cost"].max() * 6)
    axes.set_ylim(0, points["mrr"].max() * 1.12)
    _name_points(axes, points, linear_to)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(label)
    axes.set_ylabel("test MRR")
    axes.legend(frameon=False, loc="lower right")
    axes.set_title("Matching methods: quality against cost (circles: trained)")
    return figure


def _name_points(axes: Axes, points: pd.DataFrame, linear_to: float) -> None:
    """Each method's name to the right of its point, moved up where it would lie on another name."""
    height, taken = axes.get_ylim()[1] / 32, list[tuple[float, float]]()
    for row in points.sort_values("mrr").to_dict("records"):
        cost, place = row["cost"], row["mrr"]
        for other, level in taken:
            # Names are about as long as the axis is from a cost to five times as much.
            if 1 / 5 < (cost + linear_to) / (other + linear_to) < 5 and place - level < height:
                place = level + height
        taken.append((cost, place))
        axes.plot([cost, cost], [row["mrr"], place], color=GREY, lw=0.5, zorder=0)
        text = row["model"].replace("_", " ")
        box = {"facecolor": "white", "lw": 0, "pad": 0.4}
        axes.annotate(text, (cost, place), (6, 0), textcoords="offset points", fontsize=7, va="center", bbox=box)


def personas(scores: pd.DataFrame, candidates: int) -> Figure:
    """MRR by the number of persona sentences, with its interval; scores: tidy, by sentences."""
    rows = scores[scores["score"] == "mrr"]
    figure, (axes,) = subplots(4.6, 3.2)
    places = range(len(rows))
    axes.errorbar(places, rows["value"], yerr=error_bars(rows), marker="o", color=BLUE, ms=5, lw=1.4, capsize=3)
    for place, value in zip(places, rows["value"], strict=True):
        axes.annotate(f"{value:.2f}", (place, value), (5, 5), textcoords="offset points", fontsize=8)
    axes.set_xticks(places, rows["sentences"])
    axes.set_xlabel("persona sentences in training and testing")
    axes.set_ylabel(f"test MRR ({candidates} candidates)")
    axes.set_title("CoBERT by number of persona sentences")
    return figure


def transfer(scores: pd.DataFrame) -> Figure:
    """MRR by the domains of training and of testing, as a heat map; scores: tidy, by trained and tested."""
    rows = scores[scores["score"] == "mrr"]
    trained, tested = (rows[key].unique().tolist() for key in ("trained", "tested"))
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure, (axes,) = subplots(1.2 * len(tested) + 1.8, 0.9 * len(trained) + 1.3)
    axes.imshow(rows["value"].to_numpy().reshape(len(trained), len(tested)), cmap="cividis", aspect="auto")
    axes.grid(visible=False)
    middle = (rows["value"].min() + rows["value"].max()) / 2
    for row in rows.to_dict("records"):
        text = f"{row['value']:.2f}\n{row['low']:.2f} to {row['high']:.2f}"
        colour = "black" if row["value"] > middle else "white"
        place = (tested.index(row["tested"]), trained.index(row["trained"]))
        axes.text(*place, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(tested)), tested)
    axes.set_yticks(range(len(trained)), trained)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title("Test MRR by training and test domain")
    return figure
