"""A tiny pipeline: random generators and CoBERTs, trained for a few steps, and the real sentence encoder."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from attune.corpora import ranking_corpus, record_of
from attune.parameters import load
from attune.parameters.decoding import Decoding
from stages import base_models, index, train_generator
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.once import made_once
from tests.stages import cobert_project, generators_project
from tests.stages.small_project import change

BASE = "smollm2"
DIALOGUES, QUESTIONS, PERSONAS = "empathetic_dialogues", "openorca", ranking_corpus().name
PERSONA_ROWS = f"processed/{PERSONAS}/small/happy"
SYSTEMS = ("prompted", "full", "persona", "lora_openorca", "rag+rag", "rag+persona_rag", "cobert")
# Much is left to chance, so that replies to different messages differ.
SAMPLING = Decoding(method="sampling", temperature=0.9, top_k=30, top_p=0.95)


def _set_parameters(values: dict[str, Any]) -> None:
    values["seed"] = 13  # what the models say depends on it
    tiny = {method: values["generators"][f"tiny_{method}"] | {"base": BASE} for method in ("prompt", "full", "lora")}
    values["bases"] = {BASE: {"model": "SmolLM2-135M-Instruct"}}
    values["generators"] = {
        "prompted": tiny["prompt"],
        "full": tiny["full"] | {"frozen_layers": 1},
        "rag": tiny["full"] | {"rows": f"passages/{DIALOGUES}", "passage_tokens": 16, "max_length": 40},
        "persona": tiny["lora"] | {"corpus": PERSONAS, "rows": PERSONA_ROWS, "persona_tokens": 60, "max_length": 200},
        "lora_openorca": tiny["lora"] | {"corpus": QUESTIONS, "rows": f"processed/{QUESTIONS}"},
    }
    values["rag"] |= {"k": 2, "budget": 16, "shortlist": 6, "recipe": "attune", "persona": ["i love apples ."]}
    values["retrieval"] |= {"recipe": "attune", "shortlist": 10}
    values["cobert"] |= {"subsets": ["small"], "domains": ["happy"]}
    values["seeds"]["generators"] = ["full"]
    for section in ("sweep", "questions"):
        values["generation"][section]["generators"] = ["lora_openorca"]
    values["generation"]["decoding"]["default"] = SAMPLING.model_dump()


def built(factory: pytest.TempPathFactory) -> Path:
    """A copy of the pipeline, which is built once for all tests."""
    return shutil.copytree(made_once("pipeline", build), factory.mktemp("built") / "pipeline")


def build(root: Path) -> None:
    """Write params.yaml, models/ and data/ under `root`, with the stages themselves."""
    ranking = root / "ranking"
    ranking.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        cobert_project.project(ranking, patch)
        cobert_project.train("attune")
        generators_project.project(root, patch)
        change(_set_parameters)
        shutil.copytree(ranking / "models", "models/cobert")
        shutil.copytree(ranking / "base", "models/base")
        saved(gpt(positions=256), Path("models/base") / BASE)
        _train_generators()
        _build_indexes()
    shutil.rmtree(ranking)


def _train_generators() -> None:
    for folder in ("processed", "passages"):
        shutil.copytree(folder, f"data/{folder}")
    write_parquet(Path(f"data/processed/{QUESTIONS}/train.parquet"), _answer_rows(), record_of(QUESTIONS).schemas.rows)
    pec = cobert_project.pec_rows(16, "train")
    write_parquet(Path(f"data/{PERSONA_ROWS}/train.parquet"), pec, record_of(PERSONAS).schemas.rows)
    for name, entry in load().generators.items():
        target, data = Path("models/generators") / name, Path("data") / entry.rows
        base = Path("models/base") / BASE
        train_generator.main(name=name, base=base, data=data, target=target, curve=Path(f"{name}.csv"))


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
