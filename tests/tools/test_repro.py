"""Stages side by side, in DVC projects of a few lines."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from attune.core.cores import WORKERS, usable
from attune.core.environment import lives
from tests.faults.full_disk import read_only
from tests.project import changed
from tests.tools.made_up import dvc, environment, initialise, repro
from tests.waiting import until
from tools.changes import ANOTHER

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
    cmd: printf '1 of 2\\r2 of 2\\n'; cat out/left out/right > both
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
    initialise(tmp_path)
    (tmp_path / "dvc.yaml").write_text(STAGES)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Such a project after a run of two jobs, and the run."""
    folder = tmp_path_factory.mktemp("finished")
    initialise(folder)
    (folder / "dvc.yaml").write_text(STAGES)
    return folder, repro(folder, jobs=2)


@pytest.fixture
def copy(finished: tuple[Path, object], tmp_path: Path) -> Path:
    return shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of one stage, for what does not depend on the graph: each stage takes half a second."""
    initialise(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages:\n  end:\n    cmd: echo end > end\n    outs: [end]\n")
    return tmp_path


def test_independent_stages_run_at_once_and_dvc_lock_is_that_of_one_job(
    finished: tuple[Path, subprocess.CompletedProcess[str]], copy: Path
) -> None:
    project, done = copy, finished[1]
    assert done.returncode == 0, done.stdout
    assert (project / "both").read_text() == "left\nright\n"
    assert done.stdout.splitlines()[-1].endswith("min, 5 of 5 done")
    assert re.search(r"0 of 5 done] (left started; running: right|right started; running: left)\n", done.stdout)
    assert "both | Running stage 'both':" in done.stdout.splitlines()
    assert "both | 2 of 2" in done.stdout.splitlines()  # of a progress bar, what it shows last
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
    assert re.findall(r"] (\w+) started", done.stdout) == ["right", "both"]
    assert (project / "both").read_text() == "left\nright again\n"


@pytest.mark.fault("a stage that fails beside others", "named; only what needs it waits")
def test_a_failed_stage_is_named_and_holds_up_only_what_needs_it(project: Path) -> None:
    (project / "broken").touch()
    done = repro(project, jobs=2)
    assert done.returncode != 0
    assert done.stdout.splitlines()[-2:] == ["failed: last", "not run: end"]
    assert done.stdout.splitlines()[-3].endswith("min, 3 of 5 done, 1 failed")
    assert "last | ERROR: failed to reproduce 'last'" in done.stdout
    assert (project / "both").is_file()
    (project / "broken").unlink()
    done = repro(project, jobs=2)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith("2 of 2 done")


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


def test_what_dvc_does_not_run_keeps_the_time_that_it_took(copy: Path) -> None:
    """`left` runs again to the same file, so `last` and `end` need not; `both` comes from the cache."""
    project = copy
    times = project / ".dvc/tmp/seconds.json"
    times.write_text(json.dumps(dict.fromkeys(("left", "both", "last", "end"), 1000)))
    (project / "both").unlink()
    (project / "dvc.yaml").write_text(STAGES.replace("touch began_left", "touch -c began_left"))
    done = repro(project, jobs=2)
    ends = dict(re.findall(r"] (\w+) (done|skipped) after", done.stdout))
    assert ends == {"left": "done", "both": "skipped", "last": "skipped", "end": "skipped"}
    assert "both | Stage 'both' is cached - skipping run, checking out outputs" in done.stdout
    seconds = json.loads(times.read_text())
    assert (seconds.pop("left") < 1000, seconds) == (True, dict.fromkeys(("both", "last", "end"), 1000))


def test_what_stages_took_here_counts_more_than_what_they_take_elsewhere(project: Path) -> None:
    """By the seconds of a whole run elsewhere, plot takes longer than report."""
    stages = "".join(f"  {name}:\n    cmd: touch {name}\n    outs: [{name}]\n" for name in ("plot", "report"))
    (project / "dvc.yaml").write_text(f"stages:\n{stages}")
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    first = []
    for own in ({}, {"report": 1000.0, "plot": 1.0}):
        (project / ".dvc/tmp/seconds.json").write_text(json.dumps(own))
        assert repro(project, jobs=2).returncode == 0
        (goals,) = re.findall(r"(?m)^all: (.*)$", (project / ".dvc/tmp/rules.mk").read_text())
        first.append(goals.split()[0])
        for name in ("plot", "report", "dvc.lock"):
            (project / name).unlink()
        shutil.rmtree(project / ".dvc/cache")
    assert first == ["stage/plot", "stage/report"]


@pytest.mark.fault("SIGKILL of DVC while it writes which files are in use", "the next run goes on")
@pytest.mark.parametrize(("left", "jobs"), [("", 1), pytest.param('{"write": {"out', 2, marks=pytest.mark.slow)])
def test_half_a_list_of_the_files_in_use_stops_nobody(small: Path, left: str, jobs: int) -> None:
    (small / ".dvc/tmp").mkdir(exist_ok=True)
    (small / ".dvc/tmp/rwlock").write_text(left)
    assert repro(small, jobs).returncode == 0
    assert repro(small, jobs=2).stdout == "Every stage is up to date.\n"


@pytest.mark.fault("a second run at the same time", "told that there is another")
def test_a_second_run_is_told_of_the_first(project: Path) -> None:
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    used = {str(project / "out/right"): {"pid": os.getpid(), "cmd": "dvc repro"}}
    (project / ".dvc/tmp/rwlock").write_text(json.dumps({"write": used}))
    done = repro(project, jobs=2)
    assert (done.returncode, done.stderr) == (1, f"error: {ANOTHER}\n")


@pytest.mark.fault("two runs started at the same moment, jobs: {}", "one is told of the other before it starts a stage")
@pytest.mark.parametrize("jobs", [1, 2])
def test_of_two_runs_started_together_one_starts_nothing(small: Path, jobs: int) -> None:
    stage = "{cmd: 'echo run >> runs; until test -e go; do sleep .1; done; echo end > end', outs: [end]}"
    (small / "dvc.yaml").write_text(f"stages:\n  end: {stage}\n")
    command = [sys.executable, "-m", "tools.repro", f"--jobs={jobs}"]
    options: dict[str, Any] = {"cwd": small, "env": environment(), "text": True}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    runs = [subprocess.Popen(command, **options, **piped) for _ in range(2)]
    until(lambda: any(run.poll() is not None for run in runs))
    (small / "go").touch()
    printed = {run: run.communicate() for run in runs}
    first, second = sorted(runs, key=lambda run: run.returncode)
    assert (first.returncode, second.returncode) == (0, 1)
    assert printed[second] == ("", f"error: {ANOTHER}\n")
    assert (small / "runs").read_text() == "run\n"
    assert repro(small, jobs=2).stdout == "Every stage is up to date.\n"


@pytest.mark.fault("a cache that can only be read", "told before a stage runs, with what helps")
def test_a_read_only_cache_is_refused_before_a_stage_runs_for_nothing(small: Path) -> None:
    (small / "shared").mkdir()
    dvc(small, "cache", "dir", "--local", "shared")
    assert repro(small, jobs=2).returncode == 0
    with read_only(small / "shared"):
        assert [repro(small, jobs).stdout for jobs in (1, 2)] == ["Every stage is up to date.\n"] * 2
        added = "  new:\n    cmd: cp end new\n    deps: [end]\n    outs: [new]\n"
        (small / "dvc.yaml").write_text((small / "dvc.yaml").read_text() + added)
        for jobs in (1, 2):
            done = repro(small, jobs)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"error: DVC's cache cannot be written to ({small / 'shared'}/")
        assert not (small / "new").exists()
        for command in re.findall("`dvc (.*?)`", done.stderr):
            if command.startswith("pull"):
                (small / "end").unlink()  # it comes from the shared cache
            dvc(small, *shlex.split(command))
        done = repro(small, jobs=2)
    assert (done.returncode, re.findall(r"] (\w+) started", done.stdout)) == (0, ["new"])


@pytest.mark.parametrize("count", [1, 2])
def test_stages_share_the_cores(small: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Where there are fewer stages than jobs, each has more."""
    monkeypatch.delenv(WORKERS)
    stages = "".join(f"  s{each}:\n    cmd: echo ${WORKERS} > s{each}\n    outs: [s{each}]\n" for each in range(count))
    (small / "dvc.yaml").write_text("stages:\n" + stages)
    assert repro(small, jobs=2).returncode == 0
    assert int((small / "s0").read_text()) == max(1, usable() // count)


@pytest.mark.fault("an invalid dvc.yaml", "named in a sentence")
def test_an_invalid_file_is_named(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [")
    done = repro(project, jobs=2)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: unable to read: 'dvc.yaml'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault("a word in params.yaml where dvc.yaml needs a list", "the key is named, with what it must be")
def test_parameters_from_which_dvc_can_make_no_stages_are_named(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  one:\n    matrix: {domain: '${cobert.domains}'}\n    cmd: 'true'\n")
    changed(project, ("cobert.domains", "happy"))
    done = repro(project, jobs=2)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: params.yaml: cobert.domains = 'happy': it must be a list, such as [a, b]\n"


@pytest.mark.fault("a generator whose name would be a command of make", "refused, and nothing is run")
def test_a_name_of_params_yaml_is_no_makefile_s_line(project: Path) -> None:
    name = "a$(shell touch run)"
    stage = {"foreach": "${generators}", "do": {"cmd": "true"}}
    (project / "dvc.yaml").write_text(json.dumps({"stages": {"train": stage}}))
    changed(project, ("generators", {name: {"method": "lora"}}))
    done = repro(project, jobs=2)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: params.yaml: " in done.stderr
    assert "a name consists of letters, digits and underscores" in done.stderr
    (project / "params.yaml").unlink()
    (project / "dvc.yaml").write_text(json.dumps({"stages": {"train": stage | {"foreach": [name]}}}))
    assert repro(project, jobs=2).stderr == f"error: {f'train@{name}'!r} cannot be the name of a stage\n"
    assert not (project / "run").exists()


# Each stage ends once it is allowed to; `second` and `third` need `first`, and `beside` runs the whole time.
HELD = ("first", "second", "third", "beside")
# Without a trap, bash goes on after SIGINT where a command of it has just ended well.
HELD_STAGES = "stages:\n" + "".join(
    f"  {name}:\n    cmd: trap 'exit 130' INT; echo $$ > {name}.pid; until test -e {name}.go; do sleep .05; done; "
    f"echo {name} > {name}.out\n"
    f"    deps: [{'first.out' if name in ('second', 'third') else ''}]\n    outs: [{name}.out]\n"
    for name in HELD
)


def allow(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.go").touch()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.fault("{number.name} of `make`, in three places", "no process left; the same dvc.lock")
def test_stopped_in_three_places_it_leaves_no_process_and_ends_with_the_same_lock(
    project: Path, number: signal.Signals
) -> None:
    """By Ctrl+C, which all processes of the terminal get, and by a signal that make alone gets.

    What a script has started in the background ignores SIGINT at first, so one of the three places is that.
    """
    (project / "dvc.yaml").write_text(HELD_STAGES)
    (project / "Makefile").write_text(f"repro:\n\t{sys.executable} -m tools.repro --jobs 2\n")
    stop_at(project, ["first", "beside"], number)
    allow(project, "first")
    stop_at(project, ["second", "beside"], number, 'trap "" INT; exec make')
    allow(project, "second", "beside")
    stop_at(project, ["third"], number)
    allow(project, "third")
    assert repro(project, jobs=2).returncode == 0
    lock = (project / "dvc.lock").read_text()
    assert lock.count("md5: ") == 6
    for name in HELD:
        (project / f"{name}.out").unlink()
    (project / "dvc.lock").unlink()
    assert repro(project, jobs=1).returncode == 0
    assert (project / "dvc.lock").read_text() == lock


def stop_at(folder: Path, running: Sequence[str], number: signal.Signals, shell: str = "exec make") -> None:
    """Start make by `shell` and send it the signal while the stages `running` do; wait until nothing of it is left."""
    files = [folder / f"{name}.pid" for name in running]
    for file in files:
        file.unlink(missing_ok=True)
    apart: dict[str, Any] = {"stdout": subprocess.PIPE, "start_new_session": True}
    make = subprocess.Popen(["bash", "-c", shell], cwd=folder, env=environment(), **apart)
    until(lambda: all(file.is_file() and file.read_text() for file in files))
    (os.killpg if number == signal.SIGINT else os.kill)(make.pid, number)
    assert make.wait(100) != 0
    until(lambda: not any(lives(int(file.read_text())) for file in files))
    assert make.stdout
    make.stdout.read()  # ends only with the last process that writes to it
