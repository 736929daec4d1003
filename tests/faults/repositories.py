"""Small git repositories with a pipeline, which has run and is committed."""

from collections.abc import Mapping
from pathlib import Path

from tests.tools.made_up import dvc, git


def committed(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files` into `folder`, run the pipeline among them, and commit everything."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "init", "--quiet")
    dvc(folder, "init", "--quiet")
    dvc(folder, "repro")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "run")
    assert git(folder, "status", "--porcelain") == ""
