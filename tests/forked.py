"""Python processes for tests that start with large packages imported, as forks of servers that all workers share.

torch and transformers take 6 s of a processor to import, which every process of a test would otherwise spend anew. A
server imports packages alone, so that each process imports the project's code itself, wherever its PYTHONPATH says
that it is. A test of what is imported, or of a process that is killed, starts its own.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from types import ModuleType
from typing import IO, Any, NamedTuple, NoReturn

from filelock import FileLock

from tests import once
from tests.project import ROOT

# What the servers have imported, by their names.
PACKAGES = {
    "data": (
        *("matplotlib.figure", "numpy", "pandas", "pyarrow.parquet", "pydantic.main", "ruamel.yaml"),
        # What huggingface_hub imports, which each process imports anew, since it reads its environment while it does.
        *("httpcore2", "httpx2", "tqdm.auto", "yaml"),
    ),
    "models": (
        *("accelerate", "datasets", "faiss", "matplotlib", "pandas", "peft", "pydantic.main", "pytest", "ruamel.yaml"),
        "scipy.stats",
        *("sentence_transformers", "sklearn.linear_model", "torch.distributed.fsdp", "transformers.trainer"),
        *(f"transformers.models.{name}.modeling_{name}" for name in ("bert", "gpt2", "llama")),
    ),
    "dvc": ("dvc.cli.parser", "dvc.repo.reproduce", "dvc.repo.index", "networkx", "pydantic.main", "ruamel.yaml"),
}


class Handler(NamedTuple):
    """The server's process that starts what this process asks for, and what is written to it and read from it."""

    process: int
    stream: IO[str]


_handlers: dict[str, Handler] = {}


def python(
    server: str, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, *words], ..., capture_output=True, text=True)`; words: -m NAME or -c CODE.

    given: what the process reads from its standard input.
    """
    (done,) = side_by_side(server, words, cwd, [os.environ if env is None else env], given)
    return done


def side_by_side(
    server: str, words: Sequence[str | Path], cwd: Path, environments: Sequence[Mapping[str, str]], given: str = ""
) -> list[subprocess.CompletedProcess[str]]:
    """One process for each of `environments`, all at the same time; returns when all have ended."""
    texts = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as folder:
        typed = Path(folder, "in")
        typed.write_text(given, encoding="utf-8")
        files = [[f"{folder}/{number}.{name}" for name in ("out", "err")] for number in range(len(environments))]
        jobs = [
            {"words": texts, "cwd": str(cwd), "env": dict(env), "files": [str(typed), *pair]}
            for env, pair in zip(environments, files, strict=True)
        ]
        codes = _asked(server, json.dumps(jobs))
        printed = [[Path(file).read_text(encoding="utf-8") for file in pair] for pair in files]
    return [subprocess.CompletedProcess(texts, code, *pair) for code, pair in zip(codes, printed, strict=True)]


def _asked(name: str, line: str) -> list[int]:
    if name not in _handlers:
        _handlers[name] = _connected(name)
    process, stream = _handlers[name]
    try:
        print(line, file=stream, flush=True)
        return [int(code) for code in json.loads(stream.readline())]
    except BaseException:  # a test that runs out of time leaves no process, and the next test gets another handler
        del _handlers[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        raise


def _connected(name: str) -> Handler:
    """The first of all workers that needs the server starts it."""
    place = once.folder() / f"{name}.server"
    connection = socket.socket(socket.AF_UNIX)
    with FileLock(place.with_suffix(".lock")):
        try:
            connection.connect(place.read_text())
        except OSError:  # it has not been started, or has ended with the last worker that needed it
            place.unlink(missing_ok=True)
            _start(name, place)
            connection.connect(place.read_text())
    stream = connection.makefile("rw")
    return Handler(int(stream.readline()), stream)


def _start(name: str, place: Path) -> None:
    """Start the server; returns when it listens and has written its address to the file `place`."""
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # The last lets torch count GPUs without starting CUDA, which would work in no fork.
    read = {"OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    command = [sys.executable, "-m", "tests.forked", name, str(place)]
    server = subprocess.Popen(command, cwd=ROOT, env=own | read, stdin=subprocess.DEVNULL, start_new_session=True)
    while not place.exists():
        assert server.poll() is None, f"the server {name} has ended"
        time.sleep(0.05)


class _Handling(StreamRequestHandler):
    def handle(self) -> None:
        """Answer each line of processes to start with a line of their exit codes; runs in a fork of the server."""
        os.setsid()
        self.wfile.write(f"{os.getpid()}\n".encode())
        for line in self.rfile:
            children = []
            for job in json.loads(line):
                children.append(os.fork())
                if not children[-1]:
                    _leave(_code(job))
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
            self.wfile.write(f"{json.dumps(codes)}\n".encode())


class _Server(ForkingMixIn, UnixStreamServer):
    """Ends a second after its last connection, or if nobody connects in the first minute."""

    looks = 120  # until it ends, one each half second

    def service_actions(self) -> None:
        super().service_actions()
        self.looks = 2 if self.active_children else self.looks - 1
        if not self.looks:
            sys.exit()


def _serve(name: str, place: Path) -> None:
    os.dup2(2, 1)
    gc.disable()  # imports make much and leave little
    for package in PACKAGES[name]:
        importlib.import_module(package)
    assert threading.active_count() == 1  # a fork would lack the others, and wait for what they hold
    gc.freeze()
    gc.enable()
    folder = tempfile.mkdtemp(prefix="attune-server-")  # the address of a socket must be short
    try:
        with _Server(f"{folder}/socket", _Handling) as server:
            written = place.with_suffix(".part")
            written.write_text(f"{folder}/socket")
            written.rename(place)
            server.serve_forever()
    finally:
        shutil.rmtree(folder)


def _code(job: dict[str, Any]) -> int:
    """Run the job in this process; returns its exit code."""
    try:
        _become(**job)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> NoReturn:
    """As an interpreter ends, without the second that it takes to delete all that the server has imported."""
    threading._shutdown()  # ends executors' threads, and waits for others
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(words: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    """Run `python WORDS` in this process."""
    for number, file in enumerate(files):
        with open(file, "wb" if number else "rb") as stream:  # noqa: PTH123
            os.dup2(stream.fileno(), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:1] = [cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    option, program, *rest = words
    sys.argv = [option, *rest]
    if option == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), vars(main))


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
