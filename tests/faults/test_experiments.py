"""`dvc exp run` detaches HEAD while it runs; killed, it leaves it so, and how to repair it is printed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from attune.core.environment import lives
from tests.faults.repositories import committed
from tests.project import ROOT
from tests.tools.made_up import dvc, environment, git
from tests.waiting import until

STAGE = """
import os, time
from pathlib import Path
from attune.core.files import atomic_file
from stages import start

def main(*, target: Path) -> None:
    with atomic_file(target) as file:
        file.write_text(Path("params.yaml").read_text())
        Path("pid").write_text(f"{os.getpid()} ")
        while not Path("go").exists():
            time.sleep(0.05)

start(main)
"""
PIPELINE = f"""
stages:
  first:
    cmd: {sys.executable} -m stage target=out
    params: [lr]
    outs: [out]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose stage has run; the stage waits for the file `go`."""
    ignored = (ROOT / ".gitignore").read_text() + "pid\ngo\nlog\n"
    files = {"stage.py": STAGE, "dvc.yaml": PIPELINE, "params.yaml": "lr: 1\n", ".gitignore": ignored}
    files |= {"metrics/a.json": "{}", "plots/a.json": "{}", "studies/dvc.lock": "schema: '2.0'\n", "go": ""}
    committed(tmp_path, files)
    (tmp_path / "go").unlink()
    (tmp_path / "pid").unlink()
    return tmp_path


@pytest.mark.slow
@pytest.mark.fault("SIGKILL of `dvc exp run`", "its stage ends; the commands that mend HEAD and files are printed")
def test_a_killed_experiment_says_how_to_mend_the_repository(project: Path) -> None:
    branch, lock = git(project, "symbolic-ref", "HEAD"), (project / "dvc.lock").read_bytes()
    with (project / "log").open("w") as log:
        command = [sys.executable, "-m", "dvc", "exp", "run", "-S", "lr=0.25"]
        names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        running = subprocess.Popen(command, cwd=project, env=environment(**names), stdout=log, stderr=log)
    until(lambda: (project / "pid").exists() and (project / "pid").read_text().endswith(" "))
    running.send_signal(signal.SIGKILL)
    running.wait()
    until(lambda: not lives(int((project / "pid").read_text())))
    assert git(project, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD\n"
    said = (project / "log").read_text()
    assert f"the process {running.pid} that started it has ended" in said
    (project / "go").touch()
    again = subprocess.run(
        [sys.executable, "-m", "stage", "target=log"], cwd=project, env=environment(), capture_output=True, text=True
    )
    forget = "git update-ref -d refs/exps/exec/EXEC_BASELINE"
    assert again.stderr.startswith(
        f"note: `dvc exp run` has left HEAD detached; `git checkout -` goes back to your branch; `{forget}`"
    )
    commands = re.findall(r"`((?:git|dvc) (?:checkout|read-tree|update-ref)[^`]*)`", said)
    back = "git checkout HEAD -- params.yaml dvc.lock studies/dvc.lock metrics plots"
    assert commands == ["git checkout -", forget, "git read-tree HEAD", back, "dvc checkout dvc.yaml"]
    for command in commands:
        words = command.split()
        (dvc if words[0] == "dvc" else git)(project, *words[1:])
    assert git(project, "symbolic-ref", "HEAD") == branch
    assert git(project, "status", "--porcelain") == ""
    assert "up to date" in dvc(project, "repro")
    assert (project / "dvc.lock").read_bytes() == lock
    (project / "params.yaml").write_text("lr: 2\n")
    git(project, "commit", "--quiet", "--all", "--message", "another rate")
    assert dvc(project, "params", "diff") == ""  # DVC compares with the last commit, not with the killed run's


@pytest.mark.fault("a failed `dvc exp run` whose value is as long as the committed one", "README's way back works")
def test_the_way_back_restores_what_git_takes_for_unchanged(project: Path) -> None:
    """DVC puts HEAD's content beside the changed file's own size and times into git's index, in some such runs.

    Here the same index is made by times that are set, without git's look at the time of a file's last change.
    """
    (command,) = re.findall(r"(?m)^git .* && dvc checkout dvc.yaml$", (ROOT / "README.md").read_text(encoding="utf-8"))
    git(project, "config", "core.trustctime", "false")
    path = project / "params.yaml"
    os.utime(path, (1, 1))
    git(project, "status")  # which notes the times
    path.write_text("lr: 7\n")
    os.utime(path, (1, 1))
    assert git(project, "status", "--porcelain") == ""
    for part in command.split(" && "):
        words = part.split()
        (dvc if words[0] == "dvc" else git)(project, *words[1:])
    assert path.read_text() == "lr: 1\n"
    assert git(project, "status", "--porcelain") == ""
