"""Runs that are interrupted, terminated or killed: the next one ends as if nothing had happened.

The stages are a few lines, but write as the project's do, and stop as its trainings do.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attune.core.environment import lives
from tests.tools.made_up import dvc, environment

# Writes half of its folder, says so, and waits until it may end.
STAGE = """
import os, sys, time
from pathlib import Path
from attune.core.files import atomic_folder
from attune.training.parent import dying_with_parent

name = sys.argv[1]
with dying_with_parent(), atomic_folder(Path(name)) as folder:
    (folder / "half.txt").write_text("half")
    Path(f"{name}.pid").write_text(f"{os.getpid()} ")
    while not Path(f"{name}.go").exists():
        time.sleep(0.05)
    (folder / "whole.txt").write_text(name)
"""
NAMES = ("first", "second")
RUNS = {"dvc": ["dvc", "repro"], "jobs": ["tools.repro", "--jobs=2"]}
INTERRUPT, END, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
# Ctrl+C is what all processes of a terminal get; DVC alone ignores it while a stage runs.
CASES = (
    ("dvc", "stage", "a stage", (INTERRUPT, END, KILL)),
    ("dvc", "group", "all of `dvc repro`", (INTERRUPT,)),
    ("dvc", "run", "`dvc repro` alone", (END, KILL)),
    ("jobs", "run", "`tools.repro --jobs 2`", (INTERRUPT, END, KILL)),
)
OUTCOME = "the same dvc.lock after the next run, git status clean, no process left"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose stages have run undisturbed, and in which everything is committed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(
        "stages:\n"
        + "".join(
            f"  {name}:\n    cmd: '{sys.executable} stage.py {name}'\n    deps: [{dependency}]\n    outs: [{name}]\n"
            for name, dependency in zip(NAMES, ("stage.py", "first"), strict=True)
        )
    )
    (folder / ".gitignore").write_text("*.go\n*.pid\n")
    git(folder, "init", "--quiet")
    dvc(folder, "init", "--quiet")
    allow(folder, *NAMES)
    dvc(folder, "repro")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "--message", "run")
    assert git(folder, "status", "--porcelain") == ""
    return folder


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a test starts can be interrupted, also where the tests run in a shell's background, which ignores Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """The repository as before its first run."""
    folder = shutil.copytree(finished, tmp_path / "project")
    for name in ("dvc.lock", *(f"{name}.{suffix}" for name in NAMES for suffix in ("go", "pid"))):
        (folder / name).unlink()
    for name in (*NAMES, ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(folder / name)
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def allow(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.go").touch()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 250
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def stopped(folder: Path, run: str, whom: str, number: signal.Signals, stage: str) -> None:
    """Start `run`, send the signal while `stage` has written half, and wait until neither of the two lives."""
    file = folder / f"{stage}.pid"
    file.unlink(missing_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", *RUNS[run]]
    running = subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **quiet)  # type: ignore[call-overload]
    until(lambda: file.exists() and file.read_text().endswith(" "))
    process = int(file.read_text())
    if whom == "group":
        os.killpg(running.pid, number)
    else:
        os.kill(process if whom == "stage" else running.pid, number)
    assert running.wait(250) != 0
    until(lambda: not lives(process))
    assert not (folder / stage).exists()


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("run", "whom", "number"),
    [
        pytest.param(run, whom, number, marks=pytest.mark.fault(f"{number.name} of {name}, in two stages", OUTCOME))
        for run, whom, name, numbers in CASES
        for number in numbers
    ],
)
def test_the_next_run_ends_as_an_undisturbed_one(
    finished: Path, project: Path, run: str, whom: str, number: signal.Signals
) -> None:
    stopped(project, run, whom, number, "first")
    allow(project, "first")
    stopped(project, run, whom, number, "second")
    allow(project, "second")
    last = subprocess.run([sys.executable, "-m", *RUNS[run]], cwd=project, env=environment(), capture_output=True)
    assert last.returncode == 0, last.stderr
    assert (project / "dvc.lock").read_bytes() == (finished / "dvc.lock").read_bytes()
    assert git(project, "status", "--porcelain") == ""
