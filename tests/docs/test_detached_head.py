"""docs/pipeline.md says how to go back to the branch, since not every next run does."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT


def test_the_page_has_the_command_that_an_experiment_does_not_print(tmp_path: Path) -> None:
    commit = "0" * 40
    for name in ("HEAD", "refs/exps/exec/EXEC_HEAD"):
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(commit)

    def said(**names: str) -> str:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
        command = [sys.executable, "-m", "stages.check_parameters", "target=checked.txt"]
        environment = outside | {"PYTHONPATH": str(ROOT)} | names
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stderr

    (back,) = re.findall("HEAD detached; `(.+?)`", said())
    assert "HEAD detached" not in said(DVC_EXP_NAME="warm")
    page = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    section = page.partition("## Continuing a stopped run")[2].partition("\n## ")[0]
    assert f"`{back}`" in section
