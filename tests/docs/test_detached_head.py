"""docs/pipeline.md says how to go back to the branch, since not every next run does."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT


def test_the_page_has_the_command_that_an_experiment_does_not_print(tmp_path: Path) -> None:
    commit, kept = "0" * 40, tmp_path / ".git/refs/exps/exec"
    kept.mkdir(parents=True)
    for path in (tmp_path / ".git/HEAD", kept / "EXEC_HEAD", kept / "EXEC_BASELINE"):
        path.write_text(commit)

    def said(**names: str) -> str:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
        command = [sys.executable, "-m", "stages.check_parameters", "target=checked.txt"]
        environment = outside | {"PYTHONPATH": str(ROOT)} | names
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stderr

    back, forget = re.findall("HEAD detached; `(.+?)`.*; `(.+?)`", said())[0]
    assert "HEAD detached" not in said(DVC_EXP_NAME="warm")
    page = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    section = page.partition("## Continuing a stopped run")[2].partition("\n## ")[0]
    assert f"`{back}`" in section
    assert f"`{forget}`" in section
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    assert f"note: after a killed `dvc exp run`, `{forget}`" in said()
    (kept / "EXEC_BASELINE").unlink()  # as after a run that ended
    (tmp_path / ".git/HEAD").write_text(commit)
    assert "note" not in said()
