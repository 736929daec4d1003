"""Which GPU a stage gets, without one: the assignment needs their names alone."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.project import ROOT
from tests.tools.made_up import initialise, repro
from tools.gpus import free_one, visible


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A PATH on which NVIDIA's tool names two GPUs."""
    tool = tmp_path / "driver" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf 'GPU-a\\nGPU-b\\n'\n")
    tool.chmod(0o755)
    return f"{tool.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("given", "gpus"), [("0,2", ["0", "2"]), ("", []), ("-1", []), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])]
)
def test_the_variable_that_cuda_reads_decides(
    driver: str, given: str, gpus: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", driver)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible() == gpus
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible() == ["GPU-a", "GPU-b"]


@pytest.mark.parametrize("given", ["0", "0,1", "GPU-a"])
def test_without_a_driver_the_variable_names_nothing(
    tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible() == []
    broken = tmp_path / "nvidia-smi"
    broken.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    broken.chmod(0o755)
    assert visible() == []


def test_each_stage_gets_a_gpu_of_its_own_and_one_that_ends_hands_it_on(tmp_path: Path) -> None:
    with free_one(["a", "b"], tmp_path) as first:
        with free_one(["a", "b"], tmp_path) as second:
            assert (first, second) == ("a", "b")
        with free_one(["a", "b"], tmp_path) as third:
            assert third == "b"
    with free_one(["a", "b"], tmp_path) as fourth:
        assert fourth == "a"


def test_a_gpu_is_the_same_at_another_place_of_the_list(tmp_path: Path) -> None:
    names = "0", "MIG-GPU-a/1/0"
    with free_one(names, tmp_path) as first, free_one(names[1:], tmp_path) as alone:
        assert (first, alone) == names
    with free_one(["1"], tmp_path) as alone, free_one(["1", "0"], tmp_path) as other:
        assert (alone, other) == ("1", "0")
    with free_one(["0", "1"], tmp_path), free_one(["0", "1"], tmp_path), free_one(["1", "2"], tmp_path) as third:
        assert third == "2"


def test_a_gpu_that_is_listed_several_times_takes_as_many_stages(tmp_path: Path) -> None:
    given = "0", "1", "0"
    with free_one(given, tmp_path) as one, free_one(given, tmp_path) as two, free_one(given, tmp_path) as three:
        assert (one, two, three) == given


@pytest.mark.fault("SIGKILL of a process that holds a GPU", "the GPU is free")
def test_a_killed_process_holds_no_gpu(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, tools.gpus as g\n"
        f"with g.free_one(['a'], pathlib.Path({str(tmp_path)!r})): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -9
    with free_one(["a"], tmp_path) as gpu:
        assert gpu == "a"


def test_stages_side_by_side_run_on_different_gpus(tmp_path: Path, driver: str) -> None:
    initialise(tmp_path)
    stages = [
        f"  {name}:\n    cmd: echo $CUDA_VISIBLE_DEVICES > {name}; until test -e {other}; do sleep .05; done\n"
        for name, other in (("one", "two"), ("two", "one"))
    ]
    (tmp_path / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    done = repro(tmp_path, jobs=2, PATH=driver, CUDA_VISIBLE_DEVICES="5,7")
    assert done.returncode == 0, done.stdout
    assert {(tmp_path / name).read_text() for name in ("one", "two")} == {"5\n", "7\n"}
