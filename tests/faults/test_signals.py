"""Runs that are interrupted, terminated or killed: the next one ends as if nothing had happened.

The stages are a few lines, but start, write and stop as all of the project's do.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.core.environment import lives
from tests.faults.repositories import committed
from tests.project import ROOT
from tests.tools.made_up import environment, git
from tests.waiting import until

# Writes half of its folder, says so, and waits until it may end.
STAGE = """
import os, time
from pathlib import Path
from attune.core.files import atomic_folder
from stages import start

def main(*, target: Path) -> None:
    with atomic_folder(target) as folder:
        (folder / "half.txt").write_text("half")
        Path(f"{target}.pid").write_text(f"{os.getpid()} ")
        while not Path(f"{target}.go").exists():
            time.sleep(0.05)
        (folder / "whole.txt").write_text(str(target))

start(main)
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
    stages = "".join(
        f"  {name}:\n    cmd: '{sys.executable} -m stage target={name}'\n    deps: [{dependency}]\n    outs: [{name}]\n"
        for name, dependency in zip(NAMES, ("stage.py", "first"), strict=True)
    )
    allow(folder, *NAMES)
    ignored = (ROOT / ".gitignore").read_text() + "*.go\n*.pid\n"
    committed(folder, {"stage.py": STAGE, "dvc.yaml": f"stages:\n{stages}", ".gitignore": ignored})
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


def allow(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.go").touch()


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
    assert not list(project.glob(".*.part"))
