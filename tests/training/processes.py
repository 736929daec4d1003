"""Functions of tests, run in several processes as torchrun would: `in_processes(2, "tests.x.test_y:name", folder)`."""

import importlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from attune.core.determinism import pin, prepare
from attune.training.launcher import join
from tests.project import ROOT


def in_processes(count: int, function: str, folder: Path, **given: Any) -> list[str]:
    """Call module:name of a test with `folder` and the JSON values `given`; returns what each process printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    sizes = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    command = [sys.executable, "-m", "tests.training.processes", function, str(folder), json.dumps(given)]
    started = [
        subprocess.Popen(
            command,
            env=os.environ | common | sizes | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    outputs = [process.communicate() for process in started]
    assert not any(process.returncode for process in started), "\n".join(error for _, error in outputs)
    return [output for output, _ in outputs]


def main(function: str, folder: str, given: str) -> None:
    prepare()
    pin(1, 1)
    join(1)
    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(Path(folder), **json.loads(given))


if __name__ == "__main__":
    main(*sys.argv[1:])
