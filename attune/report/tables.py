"""Tidy score tables as they are shown and written: one row per system, one column per score."""

from typing import Any

import pandas as pd

from attune.evaluation.generation.summary import system_of
from attune.evaluation.ranking.summary import MEAN, mean_of
from attune.evaluation.schemas import PERSONA_RAG, PLAIN, RAG
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
    return rows if rows.empty else rows[rows["domain"] == MEAN].drop(columns="domain")


def compared(results: Results) -> pd.DataFrame:
    """The scores of every matching method over the domains in which all are trained, without the column `domain`."""
    name = mean_of(results.settings.compare.domains, results.settings.cobert.domains)
    return results.methods[results.methods["domain"] == name].drop(columns="domain")


def costs(methods: pd.DataFrame) -> pd.DataFrame:
    """One row per matching method: model, mrr, low, high and cost (GFLOP per context); methods: tidy, by model."""
    of_methods = methods.set_index("model")
    mrr, cost = (of_methods[of_methods["score"] == name] for name in ("mrr", "gflops"))
    return mrr.rename(columns={"value": "mrr"}).assign(cost=cost["value"]).reset_index()


def by_domain(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of single domains."""
    return rows[rows["domain"] != MEAN]


def ranking_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """CoBERT's scores with their intervals, one row per subset, domain and model; scores in alphabetical order."""
    table = wide(by_domain(ranking))
    return table[[*keys(ranking), *sorted(set(table.columns) - set(keys(ranking)))]]


# The scores of a generator in the summary: column -> variant of the prompt.
_PERPLEXITIES = {"perplexity": PLAIN, "with_passages": RAG, "reranked": PERSONA_RAG}


def summary(results: Results) -> dict[str, dict[str, float]]:
    """A few scores of each trained system by its name, for `dvc metrics`.

    Of a ranking model the mean test MRR over the domains of the first subset, of a generator its perplexity without
    passages, with retrieved ones and with those that CoBERT has reranked.
    """
    systems: dict[str, dict[str, float]] = {}
    for row in records(means(results.ranking)):
        if row["score"] == "mrr" and row["subset"] == results.settings.cobert.subsets[0]:
            systems.setdefault(row["model"], {})["mrr"] = row["value"]
    generators = results.generators
    perplexity = generators[generators["score"] == "perplexity"].set_index("system")["value"].to_dict()
    for name in results.settings.generators:
        scores = {column: perplexity.get(system_of(name, variant)) for column, variant in _PERPLEXITIES.items()}
        systems.setdefault(name, {}).update({column: each for column, each in scores.items() if each is not None})
    return systems
