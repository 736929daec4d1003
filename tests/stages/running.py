"""The sample, downloaded, cut and preprocessed as the stages' commands do it; `run` starts a stage."""

import os
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

CORPORA = ("pec", "empathetic_dialogues", "openassistant_guanaco", "openorca")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True)


def data(folder: Path) -> Path:
    for corpus in CORPORA:
        for words in (
            ("stages.download", corpus, f"data/raw/{corpus}"),
            ("stages.subset", corpus, f"data/raw/{corpus}", f"data/subset/{corpus}"),
            ("stages.preprocess", corpus, f"data/subset/{corpus}", f"data/processed/{corpus}"),
        ):
            done = run(folder, *words)
            assert done.returncode == 0, done.stderr
    return folder / "data"
