"""Scores as tidy tables, one row per system and score, and the nested JSON that they are written as.

A table has one column per key (subset, domain, model, ...), then `score`, `value` and, where they were estimated, `low`
and `high`: the bounds of the 95 % interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd


def nested(table: pd.DataFrame, keys: Sequence[str], intervals: bool = True) -> dict[str, Any]:
    """{key: {...: {score: value, score_low: low, score_high: high}}}, the keys and scores in the table's order.

    Without `intervals`, and where a score has none, the value alone.
    """
    result: dict[str, Any] = {}
    for row in table.to_dict("records"):
        place = result
        for key in keys:
            place = place.setdefault(row[key], {})
        place[row["score"]] = row["value"]
        if intervals and not pd.isna(row.get("low")):
            place |= {f"{row['score']}_low": row["low"], f"{row['score']}_high": row["high"]}
    return result


def tidy(scores: Mapping[str, Any], keys: Sequence[str]) -> pd.DataFrame:
    """The inverse of `nested`: one row per combination of `keys` and score."""
    rows = [
        {
            **dict(zip(keys, place, strict=True)),
            "score": name,
            "value": value,
            "low": values.get(f"{name}_low"),
            "high": values.get(f"{name}_high"),
        }
        for place, values in _leaves(scores, len(keys))
        for name, value in values.items()
        if not (name.endswith(("_low", "_high")) and name.rpartition("_")[0] in values)
    ]
    table = pd.DataFrame(rows, columns=[*keys, "score", "value", "low", "high"])
    return table.astype({"low": float, "high": float})


def _leaves(scores: Mapping[str, Any], depth: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if depth == 0:
        yield (), scores
        return
    for key, below in scores.items():
        for place, values in _leaves(below, depth - 1):
            yield (key, *place), values
