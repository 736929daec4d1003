"""From ranked test rows to what is reported: scores with intervals and paired tests, by domain and over all."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from attune.metrics.bootstrap import Ratio, compare, rounded, with_intervals
from attune.metrics.ranking import by_example

Rows = list[dict[str, Any]]
# domain -> method -> score
Values = Mapping[str, Mapping[str, Mapping[str, Ratio]]]
MEAN = "mean"


def values_of(ranked: Mapping[str, Mapping[str, Rows]]) -> Values:
    """The scores of the ranked rows by domain and method, with their values on each example."""
    return {
        domain: {
            name: {score: Ratio.mean(values) for score, values in by_example(rows).items()}
            for name, rows in each.items()
        }
        for domain, each in ranked.items()
    }


def _groups(values: Values) -> dict[str, list[str]]:
    """Each domain alone, then `mean`: all of them."""
    return {domain: [domain] for domain in values} | {MEAN: list(values)}


def intervals(values: Values, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """{domain or mean: {method: {score, score_low, score_high, ...}}}"""
    return {
        group: {
            name: with_intervals(
                {score: [values[domain][name][score] for domain in members] for score in scores}, seed, 6
            )
            for name, scores in values[members[0]].items()
        }
        for group, members in _groups(values).items()
    }


def tests(values: Values, pairs: Iterable[tuple[str, str]], seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """{domain or mean: {"a to b": how b's MRR differs from a's}} for each pair of methods."""
    wanted = list(pairs)
    return {
        group: {
            f"{before} to {after}": rounded(
                compare(
                    [values[domain][before]["mrr"] for domain in members],
                    [values[domain][after]["mrr"] for domain in members],
                    seed,
                ),
                6,
            )
            for before, after in wanted
        }
        for group, members in _groups(values).items()
    }


def plain(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """The scores of the domains without their intervals."""
    return {
        domain: {
            name: {score: value for score, value in scores.items() if not score.endswith(("_low", "_high"))}
            for name, scores in each.items()
        }
        for domain, each in found.items()
        if domain != MEAN
    }


def flat(ranked: Mapping[str, Mapping[str, Rows]], **more: str) -> Rows:
    """The ranked rows, each with its domain, its method as `model`, and `more`."""
    return [
        {"model": name, "domain": domain, **more, **row}
        for domain, each in ranked.items()
        for name, rows in each.items()
        for row in rows
    ]


def of_model(rows: Iterable[Mapping[str, Any]], subset: str, domain: str, model: str) -> Rows:
    """The ranked rows of one model out of what `flat` gave."""
    return [
        {key: row[key] for key in ("id", "rank", "loss", "response", "first")}
        for row in rows
        if (row["subset"], row["domain"], row["model"]) == (subset, domain, model)
    ]


def said(rows: Rows) -> str:
    """For a log: MRR 0.431 of 100 contexts."""
    return f"MRR {fmean(1 / row['rank'] for row in rows):.3f} of {len(rows)} contexts"
