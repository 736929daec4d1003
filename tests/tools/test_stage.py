"""Which signal the processes of a stage get in the place of one that `tools.stage` gets."""

import subprocess
import sys
from signal import SIGINT, SIGTERM

import pytest

from tests.project import ROOT

CHILD = """
import signal, sys, time
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, lambda number, _: sys.exit(number))
print(flush=True)
time.sleep(60)
"""
PARENT = """
import os, signal, subprocess, sys
from tools.stage import process_group
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[1] == "background" else signal.default_int_handler)
with process_group([sys.executable, "-c", sys.argv[2]], stdout=subprocess.PIPE) as child:
    child.stdout.readline()
    os.kill(os.getpid(), signal.SIGINT)
print(child.returncode)
"""


@pytest.mark.parametrize(("shell", "passed_on"), [("foreground", SIGINT), ("background", SIGTERM)])
def test_an_interruption_reaches_a_stage_also_where_a_shell_had_it_ignored(shell: str, passed_on: int) -> None:
    """What a script runs in the background ignores SIGINT, and so would the stage."""
    done = subprocess.run(
        [sys.executable, "-c", PARENT, shell, CHILD], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{passed_on:d}\n", "")
