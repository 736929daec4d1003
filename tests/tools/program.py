"""A program for tests/tools/test_preload.py: `python -m tests.tools.program DOES`."""

import json
import os
import sys
import time
from pathlib import Path


def main(does: str) -> None:
    try:  # a test interrupts it as soon as it has read the first line
        told = {"process": os.getpid(), "folder": str(Path.cwd()), "mood": os.environ.get("MOOD")}
        print(json.dumps(told), flush=True)
        print("colorsys" in sys.modules, file=sys.stderr, flush=True)
        if does == "work":
            sum(number * number for number in range(300_000))
            sys.exit("error: it fails")
        time.sleep(200)
    except KeyboardInterrupt:
        sys.exit(7)


if __name__ == "__main__":
    main(*sys.argv[1:])
