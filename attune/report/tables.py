"""Tidy score tables as they are shown and written: one row per system, one column per score."""

from typing import Any

import pandas as pd

from attune.evaluation.ranking.summary import MEAN
from attune.report.results import Results


def keys(scores: pd.DataFrame) -> list[str]:
    """The columns of a tidy table that name the system: subset, domain, model, ..."""
    return [column for column in scores.columns if column not in ("score", "value", "low", "high")]


def wide(scores: pd.DataFrame) -> pd.DataFrame:
    """A tidy table as one row per system: its keys, then SCORE, SCORE_low and SCORE_high for each score."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in records(scores):
        system = {key: row[key] for key in keys(scores)}
        rows.setdefault(tuple(system.values()), system).update(
            {row["score"]: row["value"], f"{row['score']}_low": row["low"], f"{row['score']}_high": row["high"]}
        )
    return pd.DataFrame(list(rows.values())).dropna(axis="columns", how="all")


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as `core.files` writes them."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows over all domains, without the column `domain`."""
    return rows[rows["domain"] == MEAN].drop(columns="domain")


def by_domain(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of single domains."""
    return rows[rows["domain"] != MEAN]


def ranking_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """CoBERT's scores with their intervals, one row per subset, domain and model; scores in alphabetical order."""
    table = wide(by_domain(ranking))
    return table[[*keys(ranking), *sorted(set(table.columns) - set(keys(ranking)))]]


def summary(results: Results) -> dict[str, dict[str, Any]]:
    """A few scores for `dvc metrics diff`: mean test MRR by subset and model, perplexity by system."""
    ranking, generators = means(results.ranking), results.generators
    mrr = ranking[ranking["score"] == "mrr"]
    perplexity = generators[generators["score"] == "perplexity"]
    return {
        "mrr": {
            str(subset): dict(zip(rows["model"], rows["value"], strict=True)) for subset, rows in mrr.groupby("subset")
        },
        "perplexity": dict(zip(perplexity["system"], perplexity["value"], strict=True)),
    }
