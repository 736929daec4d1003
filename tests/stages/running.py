"""The sample, downloaded, cut and preprocessed as the stages' commands do it; `run` starts a stage."""

import os
import subprocess
from pathlib import Path

from attune.corpora import CORPORA
from tests.forked import python
from tests.project import ROOT

# What takes seconds to import.
LARGE = ("torch", "transformers", "datasets", "peft", "sentence_transformers", "sklearn", "faiss")
# Starts a module where importing any of them is an error.
_WITHOUT = f"""
import runpy, sys
sys.modules |= dict.fromkeys({LARGE})
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return _python(folder, "-m", *words)


def run_without_large(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As `run`, for a stage that must not import what is large."""
    return _python(folder, "-c", _WITHOUT, *words)


def _python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return python("data", *words, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})


def data(folder: Path) -> Path:
    """The folder `data` below `folder`, as the data stages fill it."""
    for name in CORPORA:
        for words in (
            ("stages.download", f"target=data/raw/{name}"),
            ("stages.subset", f"raw=data/raw/{name}", f"target=data/subset/{name}"),
            ("stages.preprocess", f"subset=data/subset/{name}", f"target=data/processed/{name}"),
        ):
            done = run_without_large(folder, *words, f"corpus={name}")
            assert done.returncode == 0, done.stderr
    return folder / "data"
