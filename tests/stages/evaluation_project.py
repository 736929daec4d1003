"""The tiny generators with what their evaluation needs: the bases' losses, the oracle's passages, and one on PEC."""

from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from attune.index.passages import with_passages
from stages import base_tests, score_bases
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.stages import cobert_project, generators_project
from tests.stages.generators_project import CORPUS, SCHEMAS, passage
from tests.stages.small_project import change

PERSONA, WITH_PASSAGES = "tiny_persona", "tiny_rag"
PERSONAS = "processed/pec/small/happy"


def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `generators_project.project`, with two generators more and bases.parquet."""
    generators_project.project(folder, monkeypatch)
    saved(gpt(positions=256), Path("base/gpt2"))
    change(_add_generators)
    for split, count in (("train", 16), ("test", 12)):
        rows = cobert_project.pec_rows(count, split)
        write_parquet(Path(f"{PERSONAS}/{split}.parquet"), rows, cobert_project.SCHEMAS.rows)
    rows = [row | {"passages": [passage("Hello.")]} for row in dialogue_rows()]
    write_parquet(Path(f"oracle_passages/{CORPUS}/test.parquet"), rows, with_passages(SCHEMAS.rows))
    base_tests.main(target=Path("base_tests.json"))
    score_bases.main(tests=Path("base_tests.json"), base_models=Path("base"), data=Path(), target=Path("bases.parquet"))


def train() -> None:
    generators_project.train()
    for name, data in ((PERSONA, PERSONAS), (WITH_PASSAGES, f"passages/{CORPUS}")):
        generators_project.train_once(name, data)


def _add_generators(values: dict[str, Any]) -> None:
    generators = values["generators"]
    generators[PERSONA] = generators["tiny_lora"] | {
        "corpus": "pec",
        "rows": PERSONAS,
        "max_length": 200,
        "persona_tokens": 60,
    }
    changes = {"rows": f"passages/{CORPUS}", "passage_tokens": 8, "max_length": 40}
    generators[WITH_PASSAGES] = generators["tiny_full"] | changes
