"""Tiny generators of each method, trained on twelve conversations, with passages made by hand."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import write_parquet
from attune.corpora import record_of
from attune.index.passages import with_passages
from stages import train_generator
from tests.generators.tiny import FEELINGS, dialogue_rows, gpt, saved
from tests.once import written_once
from tests.stages.small_project import small_project

METHODS = ("prompt", "full", "prompt_tuning", "lora")
NAMES = tuple(f"tiny_{method}" for method in METHODS)
CORPUS = "empathetic_dialogues"
SCHEMAS = record_of(CORPUS).schemas


def passage(text: str) -> dict[str, Any]:
    return {"id": "x#1", "situation": "", "input": "Hm.", "reply": text, "text": f"{text}\n", "score": 0.5}


def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """base/gpt2, processed/, passages/ and persona_passages/, and generators/ once `train` was called."""
    small_project(folder, monkeypatch)
    saved(gpt(), Path("base/gpt2"))
    for split, feelings in (("train", FEELINGS[:8]), ("test", FEELINGS[8:])):
        rows = [row for row in dialogue_rows() if row["conv_id"] in feelings]
        write_parquet(Path(f"processed/{CORPUS}/{split}.parquet"), rows, SCHEMAS.rows)
        for place, texts in (("passages", ("Oh.", "Ah.", "I see.")), ("persona_passages", ("I see.", "Ah.", "Oh."))):
            complete = [row | {"passages": [passage(text) for text in texts]} for row in rows]
            write_parquet(Path(f"{place}/{CORPUS}/{split}.parquet"), complete, with_passages(SCHEMAS.rows))


def train() -> None:
    for name in NAMES:
        train_once(name, f"processed/{CORPUS}")


def train_once(name: str, data: str) -> None:
    """Train the generator `name` on the folder `data`: one training for all tests that ask for the same."""
    base, target, curve = Path("base/gpt2"), Path(f"generators/{name}"), Path(f"{name}.csv")
    settings = parameters.load()
    words = f"{settings.generators[name]!r} {settings.seed} {settings.threads} {settings.launcher!r}"
    make = partial(train_generator.main, name=name, base=base, data=Path(data), target=target, curve=curve)
    written_once(make, [target, curve], [base, Path(data)], words)
