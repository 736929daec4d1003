"""Run a command and print what it took, as JSON, on the last line: `python benchmarks/usage.py COMMAND...`.

A process of its own, which holds little memory: on Linux the peak of a child is at least what its parent held when it
started it.
"""

import json
import os
import subprocess
import sys
from time import perf_counter


def main() -> None:
    start = perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(sys.argv[1:])} failed")
    figures = {
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": round(usage.ru_maxrss / 2**10),
    }
    print(json.dumps(figures))


main()
