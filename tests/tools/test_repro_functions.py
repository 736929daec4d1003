"""What a run side by side is made of: how many jobs, which stage first, make's rules, and a lock file in order."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from attune.core.files import read_json
from tests.project import ROOT
from tests.tools.made_up import initialise
from tools import quick, repro
from tools.deps import FILES
from tools.repro import TYPICAL, fitting_jobs, longest_first, rules, sort_lock

HEAD = "schema: '2.0'\nstages:\n"
FIRST, SECOND = "  a@1:\n    cmd: x\n      y\n    outs:\n    - path: o\n", "  b:\n    cmd: z\n"


@pytest.mark.parametrize(("module", "work"), [(repro, "run"), (quick, "cache_of")])
@pytest.mark.fault("Ctrl+C before the first stage has started", "a shell's exit code, and no traceback")
def test_an_interruption_is_no_traceback(module: ModuleType, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, work, interrupted)
    monkeypatch.setattr(sys, "argv", ["tool"])
    assert module.main() == 130


def test_the_rules_are_a_makefile_s() -> None:
    text = rules(
        {"download@a": [], "studies/dvc.yaml:compare": ["download@a"]}, ["download@a", "studies/dvc.yaml:compare"]
    )
    lines = text.replace(sys.executable, "python").replace(str(os.getpid()), "1").splitlines()
    assert lines == [
        ".PHONY: all stage/download@a stage/studies/dvc.yaml/compare",
        "all: stage/download@a stage/studies/dvc.yaml/compare",
        "stage/download@a:",
        "\t@python -m tools.stage download@a 1",
        "stage/studies/dvc.yaml/compare: stage/download@a",
        "\t@python -m tools.stage studies/dvc.yaml:compare 1",
    ]


def test_a_lock_file_s_entries_are_sorted_and_stay_whole(tmp_path: Path) -> None:
    initialise(tmp_path)
    path = tmp_path / "studies" / "dvc.lock"
    path.parent.mkdir()
    path.write_text(HEAD + SECOND + FIRST)
    sort_lock(path)
    assert path.read_text() == HEAD + FIRST + SECOND
    sort_lock(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "entries",
    [
        f"<<<<<<< HEAD\n{SECOND}=======\n{FIRST}>>>>>>> topic\n",
        f"{SECOND}<<<<<<< HEAD\n{FIRST}=======\n  a@1:\n    cmd: w\n>>>>>>> 1234567 (topic: other words)\n",
        f"{SECOND}{FIRST}  c: [",
        f"{SECOND}{FIRST}other: words\n",
    ],
)
def test_what_is_no_whole_lock_file_is_not_sorted(tmp_path: Path, entries: str) -> None:
    initialise(tmp_path)
    path = tmp_path / "dvc.lock"
    path.write_text(HEAD + entries)
    sort_lock(path)
    assert path.read_text() == HEAD + entries


def test_a_lock_file_is_not_sorted_while_dvc_may_be_writing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it did: between the moment at which DVC empties the file and that at which it has written it."""
    monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0.1)  # seconds for which DVC asks for the lock
    initialise(tmp_path)
    path = tmp_path / "dvc.lock"
    path.write_text(HEAD + SECOND + FIRST)
    with Repo(str(tmp_path)).lock:
        sort_lock(path)
        assert path.read_text() == HEAD + SECOND + FIRST
    sort_lock(path)
    assert path.read_text() == HEAD + FIRST + SECOND


@pytest.mark.parametrize(
    ("gib", "found", "jobs"),
    [(100, [], 8), (14, [], 4), (2, [], 1), (100, ["0", "1", "2"], 3), (8, ["0", "1", "2"], 2)],
)
def test_the_jobs_are_as_many_as_eight_cores_memory_and_gpus_allow(
    monkeypatch: pytest.MonkeyPatch, gib: int, found: list[str], jobs: int
) -> None:
    """gib: the memory; found: the GPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr("attune.core.memory.usable", lambda: gib * 2**30)
    monkeypatch.setattr("tools.gpus.visible", lambda: found)
    assert fitting_jobs() == jobs


def test_what_most_waits_for_starts_first() -> None:
    waits = {"a": [], "b": [], "c": ["a"], "d": ["a", "b"], "e": ["c", "d"]}
    assert longest_first(waits, {}) == ["a", "b", "d", "c", "e"]
    assert longest_first(waits, {"b": 9.0, "c": 5.0}) == ["b", "a", "c", "d", "e"]
    waits = {"alone": [], "first": [], "short": ["first"], "long": ["first"]}  # by the longest of what waits
    assert longest_first(waits, {"alone": 5.0, "long": 9.0}) == ["first", "long", "alone", "short"]


def test_the_typical_seconds_are_of_stages_that_exist() -> None:
    """Those of dvc.yaml have all kinds of stages, so that a run of which nothing is known starts the longest first."""
    typical = read_json(TYPICAL)
    kinds = {(place, name) for place in FILES for name in YAML(typ="safe").load(ROOT / place)["stages"]}
    assert {_kind(name) for name in typical} == kinds
    waits = {"base_tests": [], "train_generator@full": [], "check_parameters": []}
    assert longest_first(waits, typical)[0] == "train_generator@full"


def _kind(address: str) -> tuple[str, str]:
    place, _, name = address.rpartition(":")
    return place or FILES[0], name.partition("@")[0]
