"""Programs of tools/ say what they do and what they can be told, and do nothing for what they do not know."""

from subprocess import CompletedProcess

import pytest

from tests.forked import python
from tests.project import ROOT


def run(name: str, word: str) -> CompletedProcess[str]:
    return python("models" if name == "api" else "data", "-m", f"tools.{name}", word, cwd=ROOT)


@pytest.mark.parametrize("name", ["api", "cores", "deps", "preload", "quick", "repro", "stage"])
def test_help_does_nothing_else(name: str) -> None:
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
    assert "python -m tools." in done.stdout


@pytest.mark.parametrize("name", ["api", "cores", "deps"])
def test_unknown_words_are_refused(name: str) -> None:
    done = run(name, "now")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: now" in done.stderr
