"""A repository in which every documented command of DVC and make takes seconds.

Its parameters, their check, its scores and figures are the project's own; the stages that train are a few lines.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from tests.project import ROOT

COPIED = (
    *(".ci", ".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore", "Makefile", "app.py", "data/.gitignore"),
    *("metrics", "models/.gitignore", "params.yaml", "plots/figures", "pyproject.toml", "requirements.lock"),
)
# A score that the learning rate and the seed decide.
TRAIN = """
import json
from pathlib import Path
from ruamel.yaml import YAML

values = YAML(typ="safe").load(Path("params.yaml"))
score = round(0.2 + 1000 * values["lr"] + values["seed"] / 1000, 5)
Path("models/cobert").mkdir(parents=True, exist_ok=True)
Path("models/cobert/baseline-large-all").write_text(str(score))
Path("metrics/summary/baseline.json").write_text(json.dumps({"mrr": score}, indent=2))
"""
DOWNLOAD = {
    "foreach": ["pec"],
    "do": {
        "cmd": "mkdir -p data/raw && cp data/params_checked.txt data/raw/${item}",
        "deps": ["data/params_checked.txt"],
        "params": ["source"],
        "outs": ["data/raw/${item}"],
    },
}
TRAINING = {
    "cmd": "python train.py",
    "deps": ["train.py", "data/raw/pec"],
    "params": ["lr", "seed"],
    "outs": ["models/cobert/baseline-large-all", {"metrics/summary/baseline.json": {"cache": False}}],
}


def environment(home: Path) -> dict[str, str]:
    """A shell's of somebody whose git knows their name, in which the virtual environment is active."""
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n  name = Test\n  email = test@localhost\n[init]\n  defaultBranch = main\n"
    )
    left_out = ("LESS", "PAGER", "MAKEFLAGS", "COLUMNS", "LINES")
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{own['PATH']}"
    return own | {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def furnish(folder: Path) -> None:
    """Put there what `make` needs to find the environment that runs the tests installed."""
    for name in ("Makefile", "app.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".installed":
            (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv" / ".installed").touch()


def build(folder: Path, shell: Mapping[str, str]) -> Path:
    """Write and run it in `folder`/work, and commit everything."""
    project = folder / "work"
    for name in COPIED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    (project / "train.py").write_text(TRAIN)
    furnish(project)
    _write_pipelines(project)
    for command in (
        "git init --quiet",
        "dvc repro --quiet dvc.yaml studies/dvc.yaml",
        "git add . && git commit --quiet --message all",
    ):
        subprocess.run(command, shell=True, check=True, cwd=project, env=dict(shell))
    return project


def _study(name: str) -> dict[str, object]:
    model, target = "models/cobert/baseline-large-all", f"data/{name}.txt"
    return {"wdir": "..", "cmd": f"cp {model} {target}", "deps": [model], "outs": [target]}


def _write_pipelines(project: Path) -> None:
    yaml = YAML(typ="safe")
    real = yaml.load(ROOT / "dvc.yaml")
    check = real["stages"]["check_parameters"] | {"deps": ["params.yaml"]}
    stages = {"check_parameters": check, "download": DOWNLOAD, "train_cobert": TRAINING}
    shown = {name: value for name, value in real.items() if name in ("metrics", "plots")}
    yaml.dump({**shown, "stages": stages}, project / "dvc.yaml")
    (project / "studies").mkdir()
    studies = {name: _study(name) for name in ("transfer", "seeds", "report_studies")}
    yaml.dump({"stages": studies}, project / "studies/dvc.yaml")
