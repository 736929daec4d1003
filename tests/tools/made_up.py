"""DVC projects of a few lines: DVC and `tools.repro` in them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT


def environment(**more: str) -> dict[str, str]:
    """What DVC and its stages see, with `more`."""
    # Importing `stages` chooses a GPU for the tests' process; with one, stages would wait for each other.
    own = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return own | {"PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"} | more


def dvc(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(), check=True, capture_output=True, text=True, timeout=100
    ).stdout


def repro(folder: Path, jobs: int, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.repro", f"--jobs={jobs}"]
    return subprocess.run(command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=100)
