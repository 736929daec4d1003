"""DVC projects of a few lines: git, DVC and `tools.repro` in them."""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.forked import python
from tests.project import ROOT


def environment(**more: str) -> dict[str, str]:
    """What DVC and its stages see, with `more`."""
    return os.environ | {"PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"} | more


@cache
def _initialised() -> Path:
    """The folder `.dvc` that `dvc init --no-scm` makes."""
    folder = Path(tempfile.mkdtemp(prefix="attune-dvc-"))
    atexit.register(shutil.rmtree, folder)
    dvc(folder, "init", "--no-scm", "--quiet")
    return folder


def initialise(folder: Path) -> None:
    shutil.copytree(_initialised(), folder, dirs_exist_ok=True)


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=x", "-c", "user.email=x@localhost")  # for commits
    return subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def dvc(folder: Path, *words: str) -> str:
    done = python("dvc", "-m", "dvc", *words, cwd=folder, env=environment())
    done.check_returncode()
    return done.stdout


def repro(folder: Path, jobs: int, **more: str) -> subprocess.CompletedProcess[str]:
    return python("dvc", "-m", "tools.repro", f"--jobs={jobs}", cwd=folder, env=environment(**more))
