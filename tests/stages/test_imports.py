"""A stage loads nothing large before its arguments are checked, and torch only where it needs it."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.project import ROOT
from tests.stages.running import LARGE

MODULES = [
    f"{path.parent.name}.{path.stem}" for name in ("stages", "studies") for path in (ROOT / name).glob("[!_]*.py")
]
# Fails at the first module that takes a wrong word, or has imported a large package by then.
SCRIPT = """
import importlib, sys
from attune.core.errors import AttuneError
from stages import arguments
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    try:
        arguments(module.main, ["wrong"])
    except AttuneError as error:
        assert f"usage: python -m {name} " in str(error), error
    else:
        sys.exit(f"{name} takes a wrong word")
    for package in LARGE:
        if package in sys.modules:
            sys.exit(f"{name} imports {package} before its words are checked")
"""


def test_wrong_words_are_refused_before_anything_large_is_imported() -> None:
    assert len(MODULES) > 25
    code = SCRIPT.replace("LARGE", repr(LARGE))
    done = subprocess.run([sys.executable, "-c", code, *MODULES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_data_stages_run_without_torch(sample: Path) -> None:
    """`sample` was made where importing torch, transformers or datasets is an error."""
    assert (sample / "processed/openorca/train.parquet").is_file()


def test_what_is_large_is_installed() -> None:
    """Otherwise the tests above would see nothing."""
    assert [name for name in LARGE if find_spec(name) is None] == []
