"""Stages side by side, in DVC projects of a few lines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import ROOT
from tools.repro import Log, fitting_jobs, rules, sort_lock

# Each of `left` and `right` ends once the other has begun; `both` and `last` need them, as a folder and as a file.
STAGES = """
stages:
  right:
    cmd: touch began_right; until test -e began_left; do sleep .1; done; mkdir -p out && echo right > out/right
    outs: [out/right]
  left:
    cmd: touch began_left; until test -e began_right; do sleep .1; done; mkdir -p out && echo left > out/left
    outs: [out/left]
  both:
    cmd: cat out/left out/right > both
    deps: [out]
    outs: [both]
  last:
    cmd: test ! -e broken && cp out/left last
    deps: [out/left]
    outs: [last]
  end:
    cmd: cat last > end
    deps: [last]
    outs: [end]
"""

CHECKED = """
stages:
  check_parameters:
    cmd: "! grep wrong params.yaml && echo ok > checked"
    deps: [params.yaml]
    outs: [checked: {persist: true}]
  first:
    cmd: echo first > first
    deps: [checked]
    outs: [first]
  late:
    cmd: sed 's/value. //' params.yaml > late
    deps: [first]
    params: [value]
    outs: [late]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    dvc(tmp_path, "init", "--no-scm", "--quiet")
    (tmp_path / "dvc.yaml").write_text(STAGES)
    return tmp_path


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"}


def dvc(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(), check=True, capture_output=True, text=True, timeout=100
    ).stdout


def repro(folder: Path, jobs: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.repro", f"--jobs={jobs}"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=100)


def test_independent_stages_run_at_once_and_dvc_lock_is_that_of_one_job(project: Path) -> None:
    done = repro(project, jobs=2)
    assert done.returncode == 0, done.stdout
    assert (project / "both").read_text() == "left\nright\n"
    assert done.stdout.splitlines()[-1] == "5 of 5 done, 0 running"
    assert "[0 of 5 done, 2 running]" in done.stdout  # whichever of the two was second
    assert "both | Running stage 'both':" in done.stdout.splitlines()
    assert "Data and pipelines are up to date." in dvc(project, "repro", "--dry")
    again = repro(project, jobs=2)
    assert (again.returncode, again.stdout) == (0, "Every stage is up to date.\n")
    lock = (project / "dvc.lock").read_text()
    for name in ("dvc.lock", "both", "last", "end", "out/left", "out/right"):
        (project / name).unlink()
    assert repro(project, jobs=1).returncode == 0
    assert (project / "dvc.lock").read_text() == lock
    (project / "dvc.yaml").write_text(STAGES.replace("echo right", "echo right again"))
    done = repro(project, jobs=2)
    started = [line.split("] ")[1] for line in done.stdout.splitlines() if line.endswith("started")]
    assert started == ["right started", "both started"]
    assert (project / "both").read_text() == "left\nright again\n"


def test_a_failed_stage_is_named_and_holds_up_only_what_needs_it(project: Path) -> None:
    (project / "broken").touch()
    done = repro(project, jobs=2)
    assert done.returncode != 0
    assert done.stdout.splitlines()[-3:] == ["3 of 5 done, 0 running, 1 failed", "failed: last", "not run: end"]
    assert "last | ERROR: failed to reproduce 'last'" in done.stdout
    assert (project / "both").is_file()
    (project / "broken").unlink()
    done = repro(project, jobs=2)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 of 2 done, 0 running"


def test_the_check_comes_first_and_reruns_nothing_else(project: Path) -> None:
    """`late` needs no file of the check, and yet waits for it when its own parameter changes."""
    (project / "dvc.yaml").write_text(CHECKED)
    (project / "params.yaml").write_text("value: 1\n")
    assert repro(project, jobs=2).returncode == 0
    (project / "params.yaml").write_text("value: wrong\n")
    done = repro(project, jobs=2)
    assert done.returncode != 0
    assert done.stdout.splitlines()[-2:] == ["failed: check_parameters", "not run: late"]
    assert (project / "late").read_text() == "1\n"
    (project / "params.yaml").write_text("value: 2\n")
    done = repro(project, jobs=2)
    started = [line.split("] ")[1] for line in done.stdout.splitlines() if line.endswith("started")]
    assert started == ["check_parameters started", "late started"]
    assert (project / "late").read_text() == "2\n"


def test_an_invalid_file_is_named(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [")
    done = repro(project, jobs=2)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: unable to read: 'dvc.yaml'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_make_is_stopped(project: Path, number: signal.Signals) -> None:
    """By Ctrl+C, which all processes of the terminal get, and by a signal that make alone gets."""
    stages = [f"  {name}:\n    cmd: echo $$ > {name}.pid; exec sleep 100\n" for name in ("one", "two")]
    (project / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    (project / "Makefile").write_text(f"repro:\n\t{sys.executable} -m tools.repro --jobs 2\n")
    make = subprocess.Popen(["make"], cwd=project, env=environment(), stdout=subprocess.PIPE, start_new_session=True)
    files = [project / "one.pid", project / "two.pid"]
    until(lambda: all(file.is_file() and file.read_text() for file in files))
    (os.killpg if number == signal.SIGINT else os.kill)(make.pid, number)
    assert make.wait(30) != 0
    until(lambda: not any(Path(f"/proc/{int(file.read_text())}").exists() for file in files))
    assert make.stdout
    make.stdout.read()  # ends only with the last process that writes to it


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_rules_are_a_makefile_s() -> None:
    text = rules({"download@a": [], "studies/dvc.yaml:compare": ["download@a"]})
    lines = text.replace(sys.executable, "python").replace(str(os.getpid()), "1").splitlines()
    assert lines == [
        ".PHONY: all stage/download@a stage/studies/dvc.yaml/compare",
        "all: stage/download@a stage/studies/dvc.yaml/compare",
        "stage/download@a:",
        "\t@python -m tools.stage download@a 1",
        "stage/studies/dvc.yaml/compare: stage/download@a",
        "\t@python -m tools.stage studies/dvc.yaml:compare 1",
    ]


def test_the_log_counts_and_names() -> None:
    log = Log(["a", "b", "c"])
    assert log.shown("a\tstarted\t") == "[0 of 3 done, 1 running] a started"
    assert log.shown("a\tline\tx\ty") == "a | x\ty"
    assert log.shown("a\tdone\t3 s") == "[1 of 3 done, 0 running] a done after 3 s"
    assert log.shown("b\tstarted\t") == "[1 of 3 done, 1 running] b started"
    assert log.shown("make: *** [b] Error 1") == "make: *** [b] Error 1"
    assert log.summary(interrupted=True) == "1 of 3 done, 1 running\ninterrupted: b\nnot run: c"


def test_a_lock_file_s_entries_are_sorted_and_stay_whole(tmp_path: Path) -> None:
    path, head = tmp_path / "dvc.lock", "schema: '2.0'\nstages:\n"
    first, second = "  a@1:\n    cmd: x\n      y\n    outs:\n    - path: o\n", "  b:\n    cmd: z\n"
    path.write_text(head + second + first)
    sort_lock(path)
    assert path.read_text() == head + first + second
    sort_lock(tmp_path / "nowhere")


def test_the_jobs_are_no_more_than_the_cores() -> None:
    assert 1 <= fitting_jobs() <= (os.cpu_count() or 1)
