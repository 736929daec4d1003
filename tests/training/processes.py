"""Functions of tests, run in several processes as torchrun would: `in_processes(2, "tests.x.test_y:name", folder)`."""

import importlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from attune.core.determinism import pin, prepare
from attune.training.launcher import join
from tests.forked import side_by_side
from tests.project import ROOT


def in_processes(count: int, function: str, folder: Path, **given: Any) -> list[str]:
    """Call module:name of a test with `folder` and the JSON values `given`; returns what each process printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    sizes = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    words = ("-m", "tests.training.processes", function, folder, json.dumps(given))
    done = side_by_side("models", words, ROOT, [os.environ | common | sizes | rank for rank in ranks])
    assert not any(process.returncode for process in done), "\n".join(process.stderr for process in done)
    return [process.stdout for process in done]


def main(function: str, folder: str, given: str) -> None:
    prepare()
    pin(1, 1)
    join(1)
    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(Path(folder), **json.loads(given))


if __name__ == "__main__":
    main(*sys.argv[1:])
