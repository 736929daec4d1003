"""Draw results/*.json: `python -m benchmarks.draw` writes comparisons, matching, search and corpora, as PNG and SVG."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attune import parameters
from attune.core.files import read_json
from attune.report.figures.cobert import costs
from attune.report.figures.style import BLUE, CYCLE, STYLE, groups, log_axis, save, subplots
from benchmarks import corpora
from benchmarks.harness import RESULTS
from benchmarks.tables import COMPARED, with_scores
from tools import described

ERROR: Any = {"lw": 0.8, "capsize": 1.5, "ecolor": "#444444"}
TITLES = {"cobert": "CoBERT", "generators": "generators", "embedding": "sentence embeddings"}


def comparisons(results: dict[str, pd.DataFrame]) -> Figure:
    """How many times as fast Attune is, a panel per benchmark; lines: slowest and fastest round; marks: goals."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9, 1.6 + 0.3 * sum(map(len, results.values()))), layout="constrained")
        heights = [len(rows) + 1 for rows in results.values()]
        panels = figure.subplots(len(results), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, rows) in zip(panels, results.items(), strict=True):
        places = range(len(rows))
        ratio = rows["times_faster"]
        # A single round has no slowest and fastest.
        single = rows["lowest"] == rows["highest"]
        lines = [(ratio - rows["lowest"]).mask(single), (rows["highest"] - ratio).mask(single)]
        axes.barh(places, ratio, color=BLUE, height=0.6, xerr=lines, error_kw=ERROR)
        goals = rows["goal"].astype(float)
        axes.plot(goals, places, "D", color="black", ms=4, label="goal")
        axes.axvline(1, color="black", lw=0.9, ls=":")
        axes.set_yticks(places, rows["label"])
        axes.invert_yaxis()
        axes.set_xlim(0)
        axes.set_title(TITLES[name], loc="left")
    panels[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    panels[-1].set_xlabel("times as fast as the other, in the same run")
    return figure


def label(name: str, row: pd.Series) -> str:
    """What a bar stands for."""
    if name == "cobert":
        return f"{row['context']}: {row['what']} | {row['peer']}"
    where = row["model"] if name == "generators" else row["texts"]
    return f"{where}: {row['what']} | {row['peer']}"


def matching(rows: pd.DataFrame, trained: Sequence[str], candidates: int) -> Figure:
    """MRR against seconds of each way to match that has an MRR; `trained` ones are circles."""
    points = rows.rename(columns={"what": "model", "seconds": "cost"}).dropna(subset="mrr").astype({"mrr": float})
    return costs(points, trained, f"seconds to rank {candidates} candidates on one thread", linear_to=1e-3)


def search(rows: pd.DataFrame) -> Figure:
    """Recall@10, queries per second, build time and memory by number of vectors."""
    figure, panels = subplots(12, 3.0, 4)
    columns = {"recall": "recall@10", "queries_per_s": "queries/s", "build_s": "seconds to build", "mib": "MiB"}
    counts = rows["vectors"].unique()
    for axes, (column, label) in zip(panels, columns.items(), strict=True):
        for colour, (kind, of_kind) in zip(CYCLE, groups(rows, "index"), strict=False):
            # HNSW's recall is exact search's, whose line would hide behind it.
            style = "o--" if kind == "HNSW" else "o-"
            axes.plot(of_kind["vectors"], of_kind[column], style, color=colour, ms=4, label=kind)
        if column == "recall":
            axes.set_ylim(0, 1.05)
        else:
            log_axis(axes)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count / 1000:,g}" for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("thousands of vectors")
        axes.set_title(label)
    panels[-1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("FAISS indexes of 384 dimensions")
    return figure


def main() -> None:
    described(__doc__).parse_args()
    results = {name: pd.DataFrame(read_json(RESULTS / f"{name}.json")["rows"]) for name in TITLES}
    for name, rows in results.items():
        rows["label"] = [label(name, row) for _, row in rows.iterrows()]
    save(comparisons(results), RESULTS, "comparisons")
    ways, settings = read_json(RESULTS / "matching.json"), parameters.load()
    trained = [*settings.compare.recipes, *settings.cobert.recipes]
    points = pd.DataFrame(with_scores(ways, read_json(COMPARED)))
    save(matching(points, trained, ways["settings"]["candidates"]), RESULTS, "matching")
    save(search(pd.DataFrame(read_json(RESULTS / "search.json")["rows"])), RESULTS, "search")
    save(corpora.draw(read_json(RESULTS / "corpora.json")["rows"]), RESULTS, "corpora")


if __name__ == "__main__":
    main()
