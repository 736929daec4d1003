"""Tiny inputs of the study of seeds: one recipe on one domain and one generator, each with another seed."""

from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from studies import train_seeds
from tests.cobert.tiny import encoder
from tests.stages import generators_project
from tests.stages.cobert_project import SCHEMAS, pec_rows
from tests.stages.small_project import change

BASE = {"encoder": Path("base/encoder"), "base_models": Path("base")}


def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generators_project.project(folder, monkeypatch)
    encoder(folder / "base/encoder")
    for split, count in (("train", 32), ("valid", 16)):
        write_parquet(Path(f"processed/pec/small/happy/{split}.parquet"), pec_rows(count, split), SCHEMAS.rows)
    change(_small)


def train(seed: int) -> None:
    words = {"raw": Path("raw"), "data": Path(), **BASE}
    train_seeds.main(seed=str(seed), target=Path(f"models/{seed}"), **words)


def _small(values: dict[str, Any]) -> None:
    values["seed"] = 13
    values["cobert"] |= {"subsets": ["small"], "domains": ["happy"], "candidates": 10}
    values["seeds"] |= {"values": [13, 14], "recipes": ["tuned"], "domains": ["happy"]}
    values["recipes"]["tuned"] |= {"epochs": 1, "max_length": 64, "lr": 1e-2}  # after which it ranks in another order
