"""Models leave the memory when others need it, and come back with the same replies."""

import json
import os
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attune.chat.answers import Question
from attune.chat.artifacts import Artifacts
from attune.chat.engine import Engine
from attune.chat.memory import Memory, free_bytes
from attune.chat.models import Models
from attune.parameters import load
from tests.chat.tiny_pipeline import BASE, SAMPLING
from tests.core.made_up_groups import made_up_groups

TURNS = ["I am sad today."]


class Model:
    """As a module refers to its parts and they to it."""

    def __init__(self) -> None:
        self.itself = self


def test_the_least_recently_used_leaves_first_and_shared_files_count_once(tmp_path: Path) -> None:
    for name in ("base", "a", "b", "c", "huge"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_bytes(bytes(1000 if name == "huge" else 100))
    memory, kept = Memory(limit=300), dict[str, Model]()

    def use(name: str) -> None:
        memory.fetched(kept, name, [tmp_path / name, tmp_path / "base"], Model)

    use("a")
    use("b")
    assert list(kept) == ["a", "b"]
    left = weakref.ref(kept["b"])
    use("a")
    use("c")
    assert sorted(kept) == ["a", "c"]
    assert left() is None
    use("huge")
    assert list(kept) == ["huge"]


@pytest.mark.fault("models that do not fit into memory together", "the least used leave; replies stay the same")
def test_every_system_answers_where_no_two_fit(root: Path, engine: Engine) -> None:
    small = Engine(load(root / "params.yaml"), Artifacts(root))
    small.models = Models(small.parameters, small.artifacts, Memory(limit=1))
    for name in ("full", "cobert", "lora_openorca", "full"):
        wanted, found = ([*each.reply(name, Question(TURNS, [], SAMPLING))][-1] for each in (engine, small))
        assert found == wanted
    kept = small.models
    assert (list(kept._generators), kept._rankers, kept._retrievers, kept._embedders) == (["full"], {}, {}, {})


@pytest.mark.parametrize(
    ("available", "limit", "free"),
    [("", "", 8000), ("5", "", 5120), ("5", "4000", 4000), ("5", "6000", 5120), ("5", "max", 5120)],
)
def test_models_get_three_quarters_of_what_machine_and_job_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, available: str, limit: str, free: int
) -> None:
    """available: of the machine's 8,000 bytes, in KiB; limit: SLURM's for the job, in bytes; empty: not known."""
    monkeypatch.setattr("attune.chat.memory.device", lambda: "cpu")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 80, "SC_PAGE_SIZE": 100}.__getitem__)
    machine = tmp_path / "meminfo"
    monkeypatch.setattr("attune.chat.memory._AVAILABLE", machine)
    made_up_groups(tmp_path, monkeypatch, "0::/job\n", {"job/memory.max": limit} if limit else {})
    if available:
        machine.write_text(f"MemTotal: 9 kB\nMemAvailable: {available} kB\n")
    assert free_bytes() == free
    assert Memory().limit == free * 3 // 4


def test_on_a_gpu_its_free_memory_limits_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.chat.memory.device", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (8000, 9000))
    assert Memory().limit == 6000


@pytest.mark.parametrize(
    ("place", "stored", "left"),
    [("cpu", torch.float32, ["full", "lora_openorca"]), ("cuda", torch.float32, ["lora_openorca"]),
     ("cpu", torch.bfloat16, ["lora_openorca"])],
)  # fmt: skip
def test_a_base_counts_once_for_each_generator_that_holds_a_copy(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, stored: torch.dtype, left: list[str]
) -> None:
    """There is room for two generators that share their base."""
    monkeypatch.setattr("attune.chat.memory.device", lambda: place)
    shutil.copytree(root / "models", tmp_path / "models")
    parameters, artifacts = load(root / "params.yaml"), Artifacts(tmp_path)
    base, names = artifacts.base_model(BASE).path, ("full", "lora_openorca")
    folders = [base, *(artifacts.generator(name).path for name in names)]
    room = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    weights = base / "model.safetensors"
    assert weights.stat().st_size > room / 4
    held = {name: each.to(stored) for name, each in load_file(weights).items()}
    save_file(held | {"positions": torch.arange(9)}, weights, {"format": "pt"})
    for name in names:  # the fingerprint is that of the base in float32
        card = artifacts.generator(name).path / "card.json"
        card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | {"base_fingerprint": ""}), encoding="utf-8")
    models = Models(parameters, artifacts, Memory(room))
    for name in names:
        models.generator(name)
    assert list(models._generators) == left


def test_weights_of_half_the_bits_count_as_they_are_held(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_file({"w": torch.zeros(50, dtype=torch.bfloat16)}, tmp_path / name / "model.safetensors")
    for limit, left in ((400, ["a", "b"]), (399, ["b"])):
        memory, kept = Memory(limit), dict[str, Model]()
        for name in ("a", "b"):
            memory.fetched(kept, name, [tmp_path / name], Model)
        assert list(kept) == left


def test_each_ranker_holds_its_encoder_itself(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "models", tmp_path / "models")
    parameters, artifacts = load(root / "params.yaml"), Artifacts(tmp_path)
    names = next(Path(root, "models/cobert").iterdir()).name, "second"
    first, second = (artifacts.cobert(name).path for name in names)
    shutil.copytree(first, second)
    room = sum(file.stat().st_size for each in (artifacts.encoder.path, first, second) for file in each.rglob("*.*"))
    models = Models(parameters, artifacts, Memory(room))
    for name in names:
        models.ranker(name)
    assert list(models._rankers) == ["second"]
