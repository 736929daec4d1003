"""Generators that several processes train, with whole weights and with parts of them (FSDP), against one process."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attune.core.determinism import pin
from attune.core.files import read_json, write_json
from attune.generators import training
from attune.generators.prompts import examples
from attune.generators.training import train
from attune.training.launcher import is_writer
from tests.generators.tiny import dialogue_rows, generator, gpt, saved
from tests.training.interruption import BreaksOff, Stop
from tests.training.processes import in_processes

HERE = "tests.generators.test_sharding"
# 11 rows of two replies each are trained on: the last batch of an epoch is of 3, or of 2 where batches are of 3. The
# fourth update of most is in a second epoch, the seventh in a third, in other orders.
RUNS: dict[str, dict[str, Any]] = {
    "full": {"accumulation": 2, "gradient_checkpointing": True},
    "frozen": {"method": "full", "frozen_layers": 1, "batch_size": 3},
    "prompt_tuning": {},
    "lora": {"lora_dropout": 0.0},
    "one row": {"method": "lora", "lora_dropout": 0.0, "batch_size": 1},  # one process has none
}


def learn(
    folder: Path, runs: dict[str, dict[str, Any]], fsdp: bool = False, at: int | None = None, steps: int = 7
) -> None:
    """Train once for each entry of `runs` into FOLDER/NAME; the training breaks off after update `at`."""
    if at is not None:
        BreaksOff(pytest.MonkeyPatch(), training, at)
    for name, changes in runs.items():
        pin(1, 1)
        settings = generator(**{"method": name, "schedule": "constant_with_warmup", "steps": steps, **changes})
        (folder / f"c-{name}").mkdir(exist_ok=True)
        (folder / name).mkdir(exist_ok=True)
        try:
            given = examples(dialogue_rows())
            curve = train(settings, folder / "base", given, 1, folder / f"c-{name}", folder / name, fsdp=fsdp)
        except Stop:
            continue
        if is_writer():
            write_json(folder / f"{name}.json", curve)


def learn_whole_and_broken(folder: Path, runs: dict[str, dict[str, Any]], fsdp: bool) -> None:
    """The same trainings twice, those in FOLDER/broken only up to update 5."""
    learn(folder / "whole", runs, fsdp)
    learn(folder / "broken", runs, fsdp, at=5)


def started(*folders: Path) -> None:
    for folder in folders:
        saved(gpt(), folder / "base")


def assert_alike(one: Path, other: Path) -> None:
    curves = [read_json(path.with_suffix(".json")) for path in (one, other)]
    assert curves[0][-1]["valid_loss"] < curves[0][0]["valid_loss"]
    for left, right in zip(*curves, strict=True):
        assert left == pytest.approx(right, abs=2e-4)  # they have four digits
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}
    for path in one.glob("*.safetensors"):
        weights, others = load_file(path), load_file(other / path.name)
        assert weights.keys() == others.keys()
        # A key's bias changes no attention: its gradient is rounding alone, which Adam takes for a direction.
        for name in (name for name in weights if not name.endswith("c_attn.bias")):
            torch.testing.assert_close(weights[name], others[name], rtol=1e-3, atol=1e-4)
    assert read_json(one / "card.json") == read_json(other / "card.json")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process learns in each of RUNS."""
    folder = tmp_path_factory.mktemp("one")
    started(folder)
    learn(folder, RUNS, steps=4)
    return folder


@pytest.mark.parametrize("fsdp", [pytest.param(False, marks=pytest.mark.slow), True])
def test_two_processes_learn_what_one_learns(one: Path, tmp_path: Path, fsdp: bool) -> None:
    started(tmp_path)
    in_processes(2, f"{HERE}:learn", tmp_path, runs=RUNS, fsdp=fsdp, steps=4)
    for name in RUNS:
        assert_alike(one / name, tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize("fsdp", [False, True])
def test_an_interrupted_training_resumes_in_as_many_processes_and_in_others(tmp_path: Path, fsdp: bool) -> None:
    """With the same number to the same bytes, dropout included."""
    runs = {"lora": {"lora_dropout": 0.1}, "full": {}}
    whole, broken, others = (tmp_path / name for name in ("whole", "broken", "others"))
    started(whole, broken)
    in_processes(2, f"{HERE}:learn_whole_and_broken", tmp_path, runs=runs, fsdp=fsdp)
    assert list((broken / "c-full").glob("checkpoint-4/rng_state_1.pth"))
    assert not list(broken.glob("*.json"))
    shutil.copytree(broken, others)
    in_processes(2, f"{HERE}:learn", broken, runs=runs, fsdp=fsdp)
    for name in runs:
        assert (broken / f"{name}.json").read_bytes() == (whole / f"{name}.json").read_bytes()
        for path in (whole / name).iterdir():
            assert (broken / name / path.name).read_bytes() == path.read_bytes(), path.name
    if fsdp:
        in_processes(4, f"{HERE}:learn", others, runs={"full": {}}, fsdp=True)
    else:
        learn(others, {"full": {}})
    assert_alike(others / "full", whole / "full")
