"""A program for tests/tools/test_preload.py: `python -m tests.tools.program DOES`."""

import atexit
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType


class Kept(ModuleType):
    def __init__(self) -> None:
        super().__init__("kept")

    def __del__(self) -> None:
        os.write(1, b"taken apart\n")


def main(does: str) -> None:
    try:  # a test interrupts it as soon as it has read the first line
        told = {"process": os.getpid(), "folder": str(Path.cwd()), "mood": os.environ.get("MOOD")}
        print(json.dumps(told), flush=True)
        print("colorsys" in sys.modules, file=sys.stderr, flush=True)
        if does == "work":
            sum(number * number for number in range(300_000))
            sys.exit("error: it fails")
        if does == "end":
            atexit.register(print, "handler")
            sys.modules["kept"] = Kept()  # until Python takes the modules apart
            sys.exit()
        time.sleep(200)
    except KeyboardInterrupt:
        sys.exit(7)


if __name__ == "__main__":
    main(*sys.argv[1:])
