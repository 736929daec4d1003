"""The table in which `make test-faults` ends, of a few made-up tests and their reports from another process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

TESTS = """
from signal import SIGINT
import pytest

@pytest.mark.fault("a {} of a thing", "it is whole")
@pytest.mark.parametrize("part", ["half", "third"])
def test_each_case_is_a_fault(part): pass

@pytest.mark.fault("two of them", "they add up")
@pytest.mark.parametrize("part", [1, 2])
def test_all_cases_are_one_fault(part): pass

@pytest.mark.fault("{number.name} of all", "none is left")
@pytest.mark.parametrize("number", [SIGINT])
def test_an_argument_by_its_name(number): pass

@pytest.mark.fault("one that breaks", "it holds")
@pytest.mark.parametrize("part", [1, 2])
def test_fails(part): assert part == 1

@pytest.mark.fault("one that cannot be tried", "it holds")
def test_skips(): pytest.skip("no such machine")

@pytest.mark.fault("no file", "it is named")
def test_needs_a_fixture(absent): pass
"""


def test_it_has_each_fault_with_its_outcome_and_a_failure_is_the_exit_code_s(tmp_path: Path) -> None:
    (tmp_path / "test_made_up.py").write_text(TESTS)
    plugins = ("-p", "xdist.plugin", "-p", "tests.faults.table")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--numprocesses=1", "-m", "fault"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    table = done.stdout.partition(" faults ")[2].splitlines()
    assert table[1:10] == [
        "fault                     tried  outcome",
        "SIGINT of all                 1  none is left",
        "a half of a thing             1  it is whole",
        "a third of a thing            1  it is whole",
        "no file                       1  FAILED: not so that it is named",
        "one that breaks               2  FAILED: not so that it holds",
        "one that cannot be tried      0  not tried: no such machine",
        "two of them                   2  they add up",
        "7 faults, tried 8 times: 2 FAILED",
    ]
