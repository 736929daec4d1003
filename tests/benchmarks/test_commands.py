"""Every benchmark can be imported, and says what it measures and what it can be told."""

import pytest

from benchmarks.__main__ import BENCHMARKS
from tests.forked import python
from tests.project import ROOT

MODULES = ("benchmarks", *(f"benchmarks.{name}" for name in (*BENCHMARKS, "attune", "corpora", "gpu")))


@pytest.mark.parametrize("module", MODULES)
def test_help_measures_nothing(module: str) -> None:
    done = python("models", "-m", module, "--help", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
    assert f"`python -m {module}" in done.stdout
