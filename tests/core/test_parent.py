"""Which process a training ends with. The training is a loop here; what starts it are real shells and threads."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attune.core.environment import lives
from tests.project import ROOT

TRAINING = (
    "import os, sys, time; from pathlib import Path; from attune.core.parent import dying_with_parent\n"
    "with dying_with_parent():\n"
    "    Path(sys.argv[1]).write_text(f'{os.getppid()} {os.getpid()} ')\n"
    "    while True: time.sleep(0.05)"
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
LIVES_ON = 1.0  # seconds after which a training that has to end would have ended


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Callable[[], int]]:
    """The number of the training's process, once it runs; it is ended with the test."""
    file = tmp_path / "training"
    known: list[int] = []

    def number() -> int:
        while not known and not (file.exists() and file.read_text().endswith(" ")):
            time.sleep(0.02)
        known.append(int(file.read_text().split()[1]))
        return known[0]

    yield number
    for process in set(known):
        if lives(process):
            os.kill(process, signal.SIGKILL)


def started(tmp_path: Path, shell: str, **more: str) -> "subprocess.Popen[str]":
    """A shell, in a process group of its own, that runs the command `shell` with the training as "$@"."""
    command = ["bash", "-c", shell, "bash", sys.executable, "-c", TRAINING, str(tmp_path / "training")]
    own = {name: value for name, value in os.environ.items() if name not in ("DVC_STAGE", "LOCAL_RANK")}
    environment = own | {"PYTHONPATH": str(ROOT)} | more
    log = (tmp_path / "log").open("w")
    with log:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup
        )


def ends(process: int) -> bool:
    until = time.monotonic() + 100
    while lives(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(process)


@pytest.mark.parametrize("name", ["DVC_STAGE", "LOCAL_RANK"])
@pytest.mark.fault("SIGKILL of what started a training: {}", "the training ends and says so")
def test_a_part_of_a_program_ends_with_it_in_whatever_group(
    tmp_path: Path, training: Callable[[], int], name: str
) -> None:
    with started(tmp_path, '(trap "" HUP; "$@"; true) & wait; sleep 60', **{name: "1"}) as shell:
        number = training()
        parent = int((tmp_path / "training").read_text().split()[0])
        os.kill(parent, signal.SIGKILL)
        assert ends(number)
        assert f"the process {parent} that started it has ended" in (tmp_path / "log").read_text()
        os.killpg(shell.pid, signal.SIGKILL)


@needs_proc
@pytest.mark.fault("SIGKILL of DVC, whose shell lives on", "the stage ends and says so")
def test_a_stage_ends_with_dvc_also_where_a_shell_stays_between_them(
    tmp_path: Path, training: Callable[[], int]
) -> None:
    """DVC starts a stage by the shell that SHELL names, and fish, for one, waits for what it runs."""
    shell = 'DVC_STAGE=index setsid bash -c \'"$@"; true\' bash "$@"; sleep 60'
    with started(tmp_path, shell) as dvc:
        number = training()
        dvc.kill()
        assert ends(number)
    assert f"the process {dvc.pid} that started it has ended" in (tmp_path / "log").read_text()


@pytest.mark.fault("SIGKILL of a script that trains", "the training ends and says so")
def test_a_script_s_training_ends_with_the_script_and_says_so(tmp_path: Path, training: Callable[[], int]) -> None:
    with started(tmp_path, '"$@"; true') as shell:
        number = training()
        shell.kill()
    assert ends(number)
    log = (tmp_path / "log").read_text()
    assert log.startswith("error: the work ends here, since the process")
    assert "a training from its last complete checkpoint" in log


@pytest.mark.fault("a shell that ends under nohup", "the training lives on")
def test_a_training_under_nohup_outlives_its_shell(tmp_path: Path, training: Callable[[], int]) -> None:
    with started(tmp_path, 'nohup "$@" &'):
        number = training()
    time.sleep(LIVES_ON)
    assert lives(number)


def test_a_training_outlives_the_thread_that_started_it(tmp_path: Path, training: Callable[[], int]) -> None:
    """A thread of a living process, such as a notebook's callback."""
    code = (
        "import subprocess, sys, threading, time\n"
        "begin = threading.Thread(target=lambda: subprocess.Popen(sys.argv[1:]))\n"
        "begin.start(); begin.join(); time.sleep(60)"
    )
    (tmp_path / "notebook.py").write_text(code)
    with started(tmp_path, f'exec "$1" "{tmp_path}/notebook.py" "$@"', DVC_STAGE="train") as notebook:
        number = training()
        time.sleep(LIVES_ON)
        assert lives(number)
        notebook.kill()
    assert ends(number)
