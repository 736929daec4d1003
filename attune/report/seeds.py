"""How much of a score is the seed's: the studies' section about models that were trained with several."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from attune.report import html
from attune.report.scores import format_of, signed

Numbers = Mapping[str, Any]
_VARIES = {
    "order": "the order of the training rows and the new weights",
    "draw": "the draw of the training rows",
    "both": "the draw and the order of the training rows, and the new weights",
}


def models(seeds: Numbers, names: Mapping[str, str]) -> pd.DataFrame:
    """One row per model, `label` naming it and its domain; seeds: metrics/seeds.json. names: generators in words."""
    ranking = [row | {"label": f"{row['model']}, {row['domain']}"} for row in seeds["ranking"] if "model" in row]
    generators = [row | {"label": names.get(row["model"], row["model"])} for row in seeds["generators"]]
    return pd.DataFrame([*ranking, *generators])


def about(seeds: Numbers, names: Mapping[str, str]) -> str:
    """The scores with their intervals, and the differences between recipes, as HTML; names: generators in words."""
    values = ", ".join(map(str, seeds["seeds"]))
    lines = [
        f"{row['domain']}: {row['after']} against {row['before']}, {signed(row['mean'], 3)} MRR (95 % interval "
        f"{signed(row['low'], 3)} to {signed(row['high'], 3)}; by seed "
        f"{', '.join(signed(value, 3) for value in row['by_seed'].values())})."
        for row in seeds["ranking"]
        if "before" in row
    ]
    return (
        f"<p>Trained with the seeds {values}, which vary {_VARIES[seeds['varies']]}. The intervals cover seeds and "
        f"test contexts ({seeds['method']}). Where the seeds' spread dominates, they cover less than 95 %: with two "
        "seeds 50 %, with three 75 %, since they reach from the lowest seed to the highest at most.</p>"
        + html.table(_table(models(seeds, names)))
        + html.bullets(lines)
    )


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per model, the mean and its interval in one cell."""
    table: list[dict[str, object]] = []
    for row in rows.to_dict("records"):
        mean = html.with_interval(f"{row['mean']:.3f}", f"{row['low']:.3f}–{row['high']:.3f}")
        table.append(
            {
                "Model": row["label"],
                "Score": format_of(row["score"]).title,
                "Mean": html.Cell(mean, row["mean"]),
                "Standard deviation over seeds": row["sd"],
                "By seed": ", ".join(f"{value:.3f}" for value in row["by_seed"].values()),
            }
        )
    return pd.DataFrame(table)
