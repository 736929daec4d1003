"""Every benchmark says what it measures and what it can be told, and which of its inputs is missing."""

import re
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from tests.forked import python
from tests.project import ROOT

MODULES = (
    "benchmarks",
    *(f"benchmarks.{name}" for name in (*BENCHMARKS, "attune", "corpora", "draw", "gpu", "tables")),
)


@pytest.mark.parametrize("module", MODULES)
def test_help_measures_nothing(module: str) -> None:
    done = python("models", "-m", module, "--help", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
    assert f"`python -m {module}" in done.stdout


@pytest.mark.parametrize("module", ["attune", "embedding", "generators", "matching", "search"])
def test_an_input_that_is_missing_is_named(module: str, tmp_path: Path) -> None:
    words = [str(tmp_path / "none")] * 2 if module == "attune" else ["--data", str(tmp_path / "none")]
    done = python("models", "-m", f"benchmarks.{module}", *words, cwd=ROOT)
    assert done.returncode == 1
    assert re.fullmatch(rf"error: {tmp_path}/none.* is missing; `make repro` writes .*\n", done.stderr)


@pytest.mark.parametrize("module", ["draw", "tables"])
def test_unknown_words_write_nothing(module: str) -> None:
    done = python("models", "-m", f"benchmarks.{module}", "now", cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: now" in done.stderr
