"""A pipeline's worth of CoBERT inputs with a tiny encoder: recipes baseline and tuned, one subset, one domain."""

from functools import partial
from pathlib import Path

import pytest

from attune.core.files import write_json, write_parquet
from attune.corpora import ranking_corpus
from stages import evaluate_cobert, train_cobert
from tests.cobert.tiny import encoder, rows
from tests.once import written_once
from tests.project import changed

ENCODER = Path("base/encoder")  # where `Ranker.from_pretrained("models/NAME")` looks for it
SCHEMAS = ranking_corpus().schemas
RECIPE = {
    "lr": 1e-2, "max_length": 64, "early_stopping": None, "epochs": 2, "batch_size": 8, "accumulation": 1,
    "turn_length": 30, "num_personas": 2, "score_scale": 0.05, "attention_scale": 1.0, "frozen_layers": 1, "seed": 1,
    "threads": 1, "matching": "co_attention", "matcher_lr": None, "extra_negatives": 0, "every_turn": False,
    "micro_batch": None, "hard_negatives": None, "cross_batch_memory": False, "valid_candidates": None,
    "interpolate": False, "dropout": None, "bf16": False, "processes": 1,
}  # fmt: skip


def pec_rows(count: int, split: str) -> list[dict[str, object]]:
    others = {"domain": "happy", "response_speaker": "b", "dropped_personas": 0}
    return [row | others | {"context_speakers": ["a"] * len(row["context"])} for row in rows(count, split)]


def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    encoder(folder / ENCODER)
    for split, count in (("train", 32), ("valid", 16), ("test", 16)):
        write_parquet(folder / f"pec/small/happy/{split}.parquet", pec_rows(count, split), SCHEMAS.rows)
    write_parquet(folder / "pec/evaluate/small/happy.parquet", pec_rows(16, "test"), SCHEMAS.rows)
    pool = [{"id": row["id"], "response": row["response"]} for row in pec_rows(16, "test")]
    write_parquet(folder / "pec/candidates/happy.parquet", pool, SCHEMAS.candidates)
    write_json(folder / "recipes/baseline.json", RECIPE)
    write_json(folder / "recipes/tuned.json", RECIPE | {"epochs": 6})
    write_json(folder / "recipes/attune.json", RECIPE | {"matching": "joint", "score_scale": 10.0})
    changed(folder, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10))


def train(recipe: str, name: str = "") -> None:
    train_on("happy", recipe, f"models/{name or recipe}-small-happy")


def train_once(recipe: str) -> None:
    """As `train`, for tests of something else: one training for all that ask for the same."""
    target = Path(f"models/{recipe}-small-happy")
    given = (Path(f"recipes/{recipe}.json"), ENCODER, Path("pec/small/happy"))
    written_once(partial(train, recipe), [target, Path(f"{target}.csv")], given)


def train_on(domain: str, recipe: str, target: str) -> None:
    train_cobert.main(
        recipe=Path(f"recipes/{recipe}.json"),
        encoder=ENCODER,
        data=Path(f"pec/small/{domain}"),
        target=Path(target),
        curve=Path(f"{target}.csv"),
    )


def evaluate(name: str = "evaluated") -> None:
    """Write NAME.json, NAME-intervals.json, NAME-tests.json, NAME-power.json and NAME.parquet."""
    evaluate_cobert.main(
        recipes=Path("recipes"),
        encoder=ENCODER,
        processed=Path("pec"),
        models=Path("models"),
        scores=Path(f"{name}.json"),
        intervals=Path(f"{name}-intervals.json"),
        tests=Path(f"{name}-tests.json"),
        power=Path(f"{name}-power.json"),
        rows=Path(f"{name}.parquet"),
    )
