"""A tiny pipeline: random generators and CoBERTs, trained for a few steps, and the real sentence encoder."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from attune.corpora import corpus, ranking_corpus
from stages import base_models, index, train_generator
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.stages import cobert_project, generators_project
from tests.stages.small_project import change

DIALOGUES, QUESTIONS = "empathetic_dialogues", "openorca"
SYSTEMS = ("tiny_prompt", "tiny_full", "tiny_lora", "tiny_rag+rag", "tiny_rag+persona_rag", "cobert")


def _set_parameters(values: dict[str, Any]) -> None:
    generators = {name: values["generators"][name] for name in ("tiny_prompt", "tiny_full", "tiny_lora")}
    generators["tiny_lora"] |= {"corpus": QUESTIONS}
    with_passages = {"rows": "passages", "passage_tokens": 16, "max_length": 40}
    values["generators"] = generators | {"tiny_rag": generators["tiny_full"] | with_passages}
    values["rag"] |= {"k": 2, "budget": 16, "shortlist": 6, "recipe": "attune", "persona": ["i love apples ."]}
    values["retrieval"] |= {"recipe": "attune", "shortlist": 10}
    values["cobert"] |= {"subsets": ["small"], "domains": ["happy"]}
    for section in ("sweep", "questions"):
        values["generation"][section]["generators"] = ["tiny_lora"]


def build(root: Path, positions: int = 64) -> None:
    """Write params.yaml, models/ and data/ under `root`, with the stages themselves; `positions`: of the base model."""
    ranking = root / "ranking"
    ranking.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        cobert_project.project(ranking, patch)
        cobert_project.train("attune")
        generators_project.project(root, patch)
        change(_set_parameters)
        shutil.copytree(ranking / "models", "models/cobert")
        saved(gpt(positions=positions), Path("models/base/gpt2"))
        _train_generators()
        _build_indexes()
    shutil.rmtree(ranking)


def _train_generators() -> None:
    for folder in ("processed", "passages"):
        shutil.copytree(folder, f"data/{folder}")
    write_parquet(Path(f"data/processed/{QUESTIONS}/train.parquet"), _answer_rows(), corpus(QUESTIONS).schemas.rows)
    for name, data in (
        ("tiny_prompt", f"processed/{DIALOGUES}"),
        ("tiny_full", f"processed/{DIALOGUES}"),
        ("tiny_lora", f"processed/{QUESTIONS}"),
        ("tiny_rag", f"passages/{DIALOGUES}"),
    ):
        target = Path("models/generators") / name
        base = Path("models/base/gpt2")
        train_generator.main(name=name, base=base, data=Path("data") / data, target=target, curve=Path(f"{name}.csv"))


def _answer_rows() -> list[dict[str, Any]]:
    """The tiny dialogues as questions and answers."""
    return [
        {
            "id": row["conv_id"],
            "turn": row["turn"],
            "system": "",
            "history": row["history"],
            "prompt": row["input"],
            "completion": row["target"],
            "kind": "task",
        }
        for row in dialogue_rows()
    ]


def _build_indexes() -> None:
    ranking = ranking_corpus()
    embedder = Path("models/base/embedder")
    base_models.main(name="embedder", target=embedder)
    rows = cobert_project.pec_rows(32, "train")
    write_parquet(Path("data/processed") / ranking.name / ranking.train_rows, rows, ranking.schemas.rows)
    for name in (ranking.name, DIALOGUES):
        processed, target = Path(f"data/processed/{name}"), Path(f"data/index/{name}")
        index.main(corpus=name, processed=processed, embedder=embedder, target=target)
