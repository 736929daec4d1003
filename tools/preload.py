"""A process that imports packages once and runs stages in forks of itself: `python -m tools.preload FOLDER PACKAGE...`.

It listens at the socket FOLDER/socket, for `attune.core.preloaded`, as soon as everything is imported. It ends, and
deletes FOLDER, when its standard input does.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from attune.core import garbage_collection, preloaded
from attune.core.determinism import prepare
from attune.core.parent import end_with
from tools import FORKS_DVC, described, gpus

# What DVC imports to run a stage, and what most stages import.
PACKAGES = (
    *("dvc.cachemgr", "dvc.cli.parser", "dvc.data_cloud", "dvc.dvcfile", "dvc.lock", "dvc.repo.reproduce"),
    *("dvc.repo.stage", "dvc.rwlock", "dvc.scm", "dvc.stage.loader", "dvc.utils.strictyaml", "dvc_render"),
    *("accelerate", "datasets", "faiss", "matplotlib.figure", "pandas", "peft", "pydantic.main", "scipy.stats"),
    *("sentence_transformers", "sklearn.linear_model", "transformers.trainer"),
    *(f"transformers.models.{name}.modeling_{name}" for name in ("bert", "llama")),
)


@contextmanager
def preloading(packages: Sequence[str]) -> Iterator[dict[str, str]]:
    """Such a process while the block runs, if there are any `packages`; the environment variables that lead to it.

    Neither where its forks could not work: on macOS, whose libraries forbid that, and with a GPU.
    """
    if not packages or not _waits_for_forks() or gpus.visible():
        yield {}
        return
    # OpenBLAS would start its threads when it is imported, and forks should not inherit any.
    own = os.environ | {"PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}
    pipe = subprocess.PIPE  # as stages have: Python's own files keep what it has found out about them
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "tools.preload", folder, *packages]
        # In a session of its own, for Ctrl+C is meant for the stages, which tell their forks.
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=own, start_new_session=True
        ):
            yield dict.fromkeys((preloaded.ADDRESS, FORKS_DVC), f"{folder}/socket")


def _waits_for_forks() -> bool:
    """Whether the kernel tells when a fork ends: Linux from 5.3 on, unless a container's rules forbid the call."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


_ended_well = False  # whether a fork's program has


def main(folder: str, *packages: str) -> None:
    atexit.register(_end)  # before the packages', which run before it
    garbage_collection.defer()
    prepare()
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for name in packages:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/socket")
        listener.listen()
        connection = serve(listener)
    if connection:
        become(connection)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def serve(listener: socket.socket) -> socket.socket | None:
    """Fork for each connection, whose answer is how the fork ended; returns the connection in the fork.

    None in the process itself, when its standard input ends.
    """
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    child = os.fork()
                    if not child:
                        return connection
                    waiting.register(os.pidfd_open(child), selectors.EVENT_READ, (child, connection))
                elif key.data:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
                    answer(*key.data)
                else:
                    return None


def answer(child: int, connection: socket.socket) -> None:
    """Tell whoever asked for `child` its exit code, as a shell has it, and its processor time."""
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    told = {"code": code if code >= 0 else 128 - code, "seconds": round(used.ru_utime + used.ru_stime, 2)}
    with connection, suppress(OSError):  # it may have ended
        connection.sendall(json.dumps(told).encode() + b"\n")


def become(connection: socket.socket) -> None:
    """Run what the connection asks for as this process's program, the leader of a process group."""
    received, files, *_ = socket.recv_fds(connection, 2**16, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    while b"\n" not in received:
        more = connection.recv(2**16)
        if not more:  # whoever asked has ended
            sys.exit(1)
        received += more
    line, _, signals = received.partition(b"\n")
    request = json.loads(line)
    os.setpgid(0, 0)
    end_with(connection, signals)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[1:] = request["words"]
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
    global _ended_well
    _ended_well = True


def _end() -> None:
    """Spare a fork that has ended well the half second in which Python takes all packages apart."""
    if _ended_well:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    words = described(__doc__)
    words.add_argument("folder", help="where the socket is put; it is deleted at the end")
    words.add_argument("packages", nargs="+", help="what is imported")
    chosen = words.parse_args()
    main(chosen.folder, *chosen.packages)
