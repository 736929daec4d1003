"""Stages that run in two processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from attune.core.environment import lives
from attune.core.errors import AttuneError
from attune.core.files import read_csv, write_json
from attune.training.launcher import check_gpus, join, launched
from stages import train_generator
from tests.core.test_parent import needs_proc
from tests.forked import python
from tests.project import ROOT
from tests.stages import cobert_project, generators_project
from tests.stages.cobert_project import RECIPE
from tests.stages.small_project import change


def values(path: Path) -> list[list[float]]:
    return [[float(value or 0) for value in row.values()] for row in read_csv(path)]


@pytest.mark.slow
def test_cobert_trains_in_two_processes_by_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cobert_project.project(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name, processes in (("one", 1), ("two", 2)):
        changes = {"dropout": 0.0, "threads": 1, "processes": processes}
        write_json(Path(f"recipes/{name}.json"), RECIPE | changes)
        cobert_project.train(name)
    one, two = (Path(f"models/{name}-small-happy") for name in ("one", "two"))
    for left, right in zip(values(Path(f"{one}.csv")), values(Path(f"{two}.csv")), strict=True):
        assert left == pytest.approx(right, rel=1e-4)
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert "processes" not in (two / "README.md").read_text()
    assert list(Path(".checkpoints").glob("*/")) == []


@pytest.mark.slow
def test_an_error_in_the_processes_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cobert_project.project(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_json(Path("recipes/two.json"), RECIPE | {"processes": 2})
    (cobert_project.ENCODER / "model.safetensors").unlink()
    words = ("recipe=recipes/two.json", f"encoder={cobert_project.ENCODER}", "data=pec/small/happy", "target=models/m")
    done = python("models", "-m", "stages.train_cobert", *words, "curve=m.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: base/encoder holds no encoder that can be loaded")
    assert done.stderr.count("error:") == 1
    assert not Path("m.csv").exists()


def test_another_number_than_torchrun_s_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LOCAL_RANK", "0"), ("RANK", "0"), ("WORLD_SIZE", "3")):
        monkeypatch.setenv(name, value)
    with pytest.raises(AttuneError, match=r"launcher\.processes is 2, but torchrun started 3"):
        launched("stages.train_cobert", {}, 2)
    assert not launched("stages.train_cobert", {}, 3)


def test_too_few_gpus_are_refused_with_what_shows_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "LOCAL_WORLD_SIZE": "4", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(AttuneError, match=r"4 processes need as many GPUs, but see 1; .*`make repro JOBS=1`"):
        join(3)
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_too_few_gpus_are_refused_before_a_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(AttuneError, match=r"^2 processes need as many GPUs, but see 1; "):
        launched("stages.no_such_stage", {}, 2)
    check_gpus(1)


@needs_proc
@pytest.mark.slow
@pytest.mark.fault("SIGKILL of a training in several processes", "all end, and the next run resumes")
def test_a_generator_trains_in_parts_and_resumes_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FSDP; all processes die with the one that was killed."""
    generators_project.project(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    change(lambda raw: raw["generators"]["tiny_full"].update(steps=60, early_stopping=9))
    change(lambda raw: raw.update(threads=1))
    rows = Path(f"processed/{generators_project.CORPUS}")
    places = {"name": "tiny_full", "base": Path("base/gpt2"), "data": rows}
    train_generator.main(**places, target=Path("one"), curve=Path("one.csv"))
    change(lambda raw: raw.update(launcher={"processes": 2, "fsdp": True}))
    words = [f"{name}={value}" for name, value in (places | {"target": "two", "curve": "two.csv"}).items()]
    command = [sys.executable, "-m", "stages.train_generator", *words]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while killed.poll() is None and not list(Path(".checkpoints").glob("*/checkpoint-12/complete")):
        time.sleep(0.05)
    children = [int(each) for each in Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()]
    assert len(children) >= 2
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    end = time.monotonic() + 60
    while any(lives(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.05)
    train_generator.main(**places, target=Path("two"), curve=Path("two.csv"))
    for left, right in zip(values(Path("one.csv")), values(Path("two.csv")), strict=True):
        assert left == pytest.approx(right, abs=2e-3)
