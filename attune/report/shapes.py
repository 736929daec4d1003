"""What the files that figures and sections read must hold, so that one of another shape is named before it is drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import GenericAlias
from typing import Any

import pandas as pd
from pydantic import BaseModel

from attune.core.damage import DamagedFile
from attune.core.files import read_csv, read_json
from attune.evaluation.comparison import Comparison
from attune.evaluation.tables import tidy

# The key columns of a score table, each with its values in order; none: as in the file.
Keys = Mapping[str, Sequence[str]]
ANSWERS = ("question", "generator", "answer", "truncated")
_Rows = list[dict[str, Any]]


class Probe(BaseModel):
    """The emotion probe."""

    accuracy: float
    confusion: dict[str, dict[str, int]]
    signatures: dict[str, str]


class Manifest(BaseModel):
    """Where a raw corpus is from; the values may be null."""

    corpus: str
    source: str
    licence: str | None
    url: str | None
    revision: str | None
    notice: str | None
    files: _Rows
    bad_rows: int
    turns_left_out: dict[str, int]


class Contamination(BaseModel):
    """What the test examples share with the train sets."""

    n: int
    mostly: float
    overlaps: _Rows
    ranking: _Rows
    losses: _Rows


class Seeds(BaseModel):
    """Scores over several seeds."""

    seeds: list[int]
    ranking: _Rows
    generators: _Rows


class Power(BaseModel):
    """How many test contexts tell a difference."""

    interval: _Rows
    needed: _Rows
    outperform: _Rows
    own: dict[str, Any]


# By the name of the file in metrics/; and what a file of comparisons holds.
METRICS: dict[str, Any] = {"contamination": Contamination, "seeds": Seeds, "power": Power}
TESTS = list[Comparison]


def read_scores(path: Path, keys: Keys) -> pd.DataFrame:
    """A file of nested scores as a tidy table whose rows are in the order of `keys`.

    Raises
    ------
    DamagedFile
        if the file is damaged or of another shape, or has a value of a key that `keys` lacks.
    """
    shape: Any = dict[str, float | bool | None]
    for _ in keys:
        shape = GenericAlias(dict, (str, shape))
    scores = tidy(read_json(path, shape), list(keys))
    places = {}
    for key, values in keys.items():
        found = scores[key].unique()
        if unknown := [each for each in found if values and each not in values]:
            raise DamagedFile(path, f"has the {key} {unknown[0]!r}, which params.yaml does not have")
        places[key] = scores[key].map(list(values or found).index)
    return scores.loc[pd.DataFrame(places).sort_values(list(keys), kind="stable").index]


def read_curve(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A training's curve; a DamagedFile if it is torn or lacks one of `columns`."""
    read_csv(path, columns)
    return pd.read_csv(path)
