import json
import subprocess
import sys

from tests.project import ROOT

COMMAND = (sys.executable, str(ROOT / "benchmarks" / "usage.py"), sys.executable, "-c")


def test_what_a_command_took_is_the_last_line() -> None:
    done = subprocess.run([*COMMAND, "print('Hm.'); held = b'x' * 2**26"], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures.keys() == {"seconds", "processor_seconds", "peak_mib"}
    assert figures["peak_mib"] >= 64


def test_a_command_that_fails_has_no_figures() -> None:
    done = subprocess.run([*COMMAND, "raise SystemExit(3)"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("-c raise SystemExit(3) failed\n")
