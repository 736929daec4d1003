"""What the pipeline leaves, tiny: random generators, trained for a few steps, and the real sentence encoder."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from attune.corpora import schemas
from stages import base_models, index, train_generator
from tests.generators.tiny import gpt, saved
from tests.stages import cobert_project, generators_project
from tests.stages.small_project import change

DIALOGUES = "processed/empathetic_dialogues"
SYSTEMS = ("tiny_prompt", "tiny_full", "tiny_lora", "tiny_rag+rag", "tiny_rag+persona_rag", "cobert")


def _settings(values: dict[str, Any]) -> None:
    generators = {name: values["generators"][name] for name in ("tiny_prompt", "tiny_full", "tiny_lora")}
    generators["tiny_lora"] |= {"corpus": "openorca"}
    reads = {"corpus": "empathetic_dialogues_rag", "passage_tokens": 16, "max_length": 40}
    values["generators"] = generators | {"tiny_rag": generators["tiny_full"] | reads}
    values["rag"] |= {"k": 2, "budget": 16, "shortlist": 6, "recipe": "attune", "persona": ["i love apples ."]}
    values["retrieval"] |= {"recipe": "attune", "shortlist": 10}
    values["cobert"] |= {"subsets": ["small"], "domains": ["happy"]}
    for section in ("sweep", "questions"):
        values["generation"][section]["generators"] = ["tiny_lora"]


def make(root: Path) -> None:
    """params.yaml, models/ and data/ under `root`, by the stages themselves."""
    ranking = root / "ranking"
    ranking.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        cobert_project.project(ranking, patch)
        cobert_project.train("attune")
        generators_project.project(root, patch)
        change(_settings)
        shutil.copytree(ranking / "models", "models/cobert")
        shutil.copytree("processed", "data/processed")
        saved(gpt(), Path("models/base/gpt2"))
        base_models.main("embedder", "models/base/embedder")
        for name in ("tiny_prompt", "tiny_full", "tiny_lora", "tiny_rag"):
            corpus = f"data/{DIALOGUES}_rag" if name == "tiny_rag" else f"data/{DIALOGUES}"
            train_generator.main(name, "models/base/gpt2", corpus, f"models/generators/{name}", f"{name}.csv")
        rows = cobert_project.pec_rows(32, "train")
        write_parquet(Path("data/processed/pec/large/all/train.parquet"), rows, schemas.PEC)
        index.main("pec", "data/processed/pec", "models/base/embedder", "data/index/pec")
        index.main(
            "empathetic_dialogues", f"data/{DIALOGUES}", "models/base/embedder", "data/index/empathetic_dialogues"
        )
    shutil.rmtree(ranking)
