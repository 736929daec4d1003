"""Small git repositories with a pipeline, which has run and is committed."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.tools.made_up import dvc


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def committed(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files` into `folder`, run the pipeline among them, and commit everything."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "init", "--quiet")
    dvc(folder, "init", "--quiet")
    dvc(folder, "repro")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "--message", "run")
    assert git(folder, "status", "--porcelain") == ""


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 250
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
