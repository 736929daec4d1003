"""Python processes for tests that start with large packages imported, as forks of servers that each worker starts once.

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
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from tests.project import ROOT

# What the servers have imported, by their names.
PACKAGES = {
    "data": ("numpy", "pandas", "pyarrow.parquet", "pydantic.main", "ruamel.yaml"),
    "models": (
        *("accelerate", "datasets", "faiss", "matplotlib", "pandas", "peft", "pydantic.main", "pytest", "ruamel.yaml"),
        "scipy.stats",
        *("sentence_transformers", "sklearn.linear_model", "torch.distributed.fsdp", "transformers.trainer"),
        *(f"transformers.models.{name}.modeling_{name}" for name in ("bert", "gpt2", "llama")),
    ),
    "dvc": ("dvc.cli.parser", "dvc.repo.reproduce", "dvc.repo.index", "networkx", "pydantic.main", "ruamel.yaml"),
}
_servers: dict[str, subprocess.Popen[str]] = {}


def python(
    server: str, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, *words], ..., capture_output=True, text=True)`; words: -m NAME or -c CODE."""
    (done,) = side_by_side(server, words, cwd, [os.environ if env is None else env])
    return done


def side_by_side(
    server: str, words: Sequence[str | Path], cwd: Path, environments: Sequence[Mapping[str, str]]
) -> list[subprocess.CompletedProcess[str]]:
    """One process for each of `environments`, all at the same time; returns when all have ended."""
    given = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as folder:
        files = [[f"{folder}/{number}.{name}" for name in ("out", "err")] for number in range(len(environments))]
        jobs = [
            {"words": given, "cwd": str(cwd), "env": dict(env), "files": pair}
            for env, pair in zip(environments, files, strict=True)
        ]
        codes = _asked(server, json.dumps(jobs))
        texts = [[Path(file).read_text(encoding="utf-8") for file in pair] for pair in files]
    return [subprocess.CompletedProcess(given, code, *pair) for code, pair in zip(codes, texts, strict=True)]


def _asked(name: str, line: str) -> list[int]:
    server = _servers.get(name) or _started(name)
    assert server.stdin
    assert server.stdout
    try:
        print(line, file=server.stdin, flush=True)
        return [int(code) for code in json.loads(server.stdout.readline())]
    except BaseException:  # a test that runs out of time leaves no process, and the next test gets a new server
        del _servers[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
        raise


def _started(name: str) -> subprocess.Popen[str]:
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # The last lets torch count GPUs without starting CUDA, which would work in no fork.
    read = {"OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    command = [sys.executable, "-m", "tests.forked", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    _servers[name] = subprocess.Popen(command, cwd=ROOT, env=own | read, text=True, start_new_session=True, **pipes)
    return _servers[name]


def _serve(name: str) -> None:
    """Answer each line of processes to start with a line of their exit codes."""
    # Not as sys.stdin and sys.stdout, which a fork must find as new.
    questions, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for package in PACKAGES[name]:
        importlib.import_module(package)
    assert threading.active_count() == 1  # a fork would lack the others, and wait for what they hold
    gc.freeze()
    while line := questions.readline():
        children = []
        for job in json.loads(line):
            children.append(os.fork())
            if not children[-1]:
                _leave(_code(job))
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(codes), file=answers, flush=True)


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
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    for number, file in enumerate(files, 1):
        with open(file, "wb") as stream:  # noqa: PTH123
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
    _serve(sys.argv[1])
