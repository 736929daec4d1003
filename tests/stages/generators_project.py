"""Tiny generators of each method, trained on twelve conversations, with passages made by hand."""

from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from attune.corpora import schemas
from attune.index.passages import RAG
from stages import train_generator
from tests.generators.tiny import FEELINGS, dialogue_rows, gpt, saved
from tests.stages.small_project import small_project

METHODS = ("prompt", "full", "prompt_tuning", "lora")
NAMES = tuple(f"tiny_{method}" for method in METHODS)


def passage(text: str) -> dict[str, Any]:
    return {"id": "x#1", "situation": "", "input": "Hm.", "reply": text, "text": f"{text}\n", "score": 0.5}


def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bases/gpt2, processed/, and generators/ once `train` was called."""
    small_project(folder, monkeypatch)
    saved(gpt(), Path("bases/gpt2"))
    for split, feelings in (("train", FEELINGS[:8]), ("test", FEELINGS[8:])):
        rows = [row for row in dialogue_rows() if row["conv_id"] in feelings]
        write_parquet(Path(f"processed/empathetic_dialogues/{split}.parquet"), rows, schemas.REPLIES)
        for variant, texts in (("rag", ("Oh.", "Ah.", "I see.")), ("persona_rag", ("I see.", "Ah.", "Oh."))):
            given = [row | {"passages": [passage(text) for text in texts]} for row in rows]
            write_parquet(Path(f"processed/empathetic_dialogues_{variant}/{split}.parquet"), given, RAG)


def train() -> None:
    for name in NAMES:
        train_generator.main(name, "bases/gpt2", "processed/empathetic_dialogues", f"generators/{name}", f"{name}.csv")
