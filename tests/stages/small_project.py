"""The project's params.yaml in an empty folder, with a tiny base and a tiny generator of each method."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.project import read


def small_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write params.yaml into `folder` and go there; generators are called tiny_<method>."""
    monkeypatch.chdir(folder)
    values = read()
    values["bases"] = {"gpt2": {"model": "gpt2"}}
    rows = "processed/empathetic_dialogues"
    small = {"base": "gpt2", "corpus": "empathetic_dialogues", "rows": rows, "max_length": 48}
    steps = {
        "steps": 4,
        "batch_size": 4,
        "passage_tokens": 0,
        "persona_tokens": 0,
        "frozen_layers": 0,
        "instruction": "",
    }
    steps |= dict.fromkeys(("log_steps", "save_steps", "early_stopping"))
    values["generators"]["prompted"]["instruction"] = "Be kind."
    values["generators"] = {
        f"tiny_{entry['method']}": entry | small | (steps if entry["method"] != "prompt" else {})
        for entry in values["generators"].values()
    }
    values["generation"] |= {"perplexity_examples": 9, "reply_examples": 4, "max_new_tokens": 8}
    values["generation"]["decoding"] = {"default": values["generation"]["decoding"]["default"]}
    values["seeds"]["generators"] = ["tiny_full"]
    values["generation"]["sweep"] |= {"generators": ["tiny_lora"], "examples": 5}
    values["generation"]["questions"]["generators"] = ["tiny_lora"]
    values["rag"] |= {"k": 2, "budget": 8, "shortlist": 3}
    _write(values)


def change(edit: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the params.yaml of the current folder."""
    values = read(Path("params.yaml"))
    edit(values)
    _write(values)


def _write(values: dict[str, Any]) -> None:
    with Path("params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(values, stream)
