"""A small copy of the project that DVC can run: its own git repository, tiny models, one domain, one recipe."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import models
from tests.project import ROOT, changed
from tests.tools.made_up import git

CODE = ("attune", "stages", "studies", "data/.gitignore", "models/.gitignore", ".dvc/config", ".dvc/.gitignore")
SINGLE = ("dvc.yaml", ".dvcignore", ".gitignore", "pyproject.toml")
GENERATOR = {
    "base": "tiny",
    "corpus": "empathetic_dialogues",
    "rows": "processed/empathetic_dialogues",
    "method": "lora",
    "lr": 0.001,
    "steps": 2,
    "batch_size": 4,
    "max_length": 96,
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
}


def small(folder: Path) -> Path:
    """Write it into `folder`/attune, its models to start from into `folder`/own, and commit it."""
    project = folder / "attune"
    for name in (*CODE, *SINGLE):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, project / name)
    models.main(str(folder / "own"))
    changed(
        project,
        ("encoder", str(folder / "own" / "roberta")),
        ("bases", {"tiny": {"model": str(folder / "own" / "llama")}}),
        ("subsets.large", {"train": 24, "valid": 8, "test": 8}),
        ("subsets.small", {"train": 24, "valid": 8, "test": 8}),
        ("corpora.empathetic_dialogues.cap", 60),
        ("corpora.openassistant_guanaco.cap", 20),
        ("corpora.openorca.cap", 20),
        ("cobert.recipes", ["baseline"]),
        ("cobert.subsets", ["small"]),
        ("cobert.domains", ["happy"]),
        ("cobert.candidates", 4),
        ("recipes.baseline.epochs", 1),
        ("compare.recipes", []),
        *((f"{section}.recipe", "baseline") for section in ("personas", "transfer", "retrieval", "rag")),
        ("rag.shortlist", 4),
        ("generators", {"tiny": GENERATOR}),
        ("generation.perplexity_examples", 4),
        ("generation.reply_examples", 2),
        ("generation.answered_examples", 2),
        ("generation.max_new_tokens", 4),
        ("generation.sweep.examples", 2),
        ("seeds.generators", ["tiny"]),
        *((f"generation.{section}.generators", ["tiny"]) for section in ("sweep", "questions")),
    )
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "a small project")
    return project


def dvc(project: Path, *words: str) -> str:
    """What `dvc WORDS` prints, both streams together.

    Raises
    ------
    subprocess.CalledProcessError
        where DVC refuses or fails.
    """
    names = {f"GIT_{role}_{key}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # whose `python` stages are started with
    environment = os.environ | names | {"PATH": path, "OMP_NUM_THREADS": "1"}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=project, env=environment, text=True, check=True, **piped)
    return done.stdout
