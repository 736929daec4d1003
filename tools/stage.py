"""Run one stage through DVC, as `tools.repro`'s rules ask for it: `python -m tools.stage NAME PROCESS`.

It ends when its parent does, a make, or PROCESS, the one that has started make.

Each line that it prints is a record, `NAME <tab> event <tab> text`, so that the output of several stages can be told
apart.
"""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from attune.core.environment import lives
from attune.core.preloaded import PASSED_ON, SECONDS
from tools import described, gpus

STARTED, LINE, DONE, SKIPPED, FAILED = "started", "line", "done", "skipped", "failed"
# What DVC says after every stage alike.
_ADVICE = re.compile(r"(To track the changes|To enable auto staging|Use `dvc push`|\t(git add|dvc config) )")
LOCKS = Path(".dvc/tmp")
_INTERVAL = 0.5  # seconds between two looks at whether the parent still lives


@contextmanager
def process_group(
    command: Sequence[str], watched: int | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """`command` in a process group of its own, which gets the SIGINT and SIGTERM that this process gets.

    It also gets SIGTERM when the parent of this process ends, or the process `watched`: nothing is left running; and in
    place of SIGINT where that is ignored, as it is by what a shell's script runs in the background.
    """
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None
    before: dict[int, Any] = {number: signal.getsignal(number) for number in PASSED_ON}

    def pass_on(number: int, _: object = None) -> None:
        number = signal.SIGTERM if before[number] == signal.SIG_IGN else number
        received.append(number)
        if process:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def watch(parent: int) -> None:
        while os.getppid() == parent and (watched is None or lives(watched)):
            time.sleep(_INTERVAL)
        pass_on(signal.SIGTERM)

    for number in before:
        signal.signal(number, pass_on)
    process = subprocess.Popen(command, process_group=0, stdin=subprocess.DEVNULL, **options)
    for number in received.copy():  # while the process was being started
        pass_on(number)
    Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    with process:
        yield process
    for number, handler in before.items():
        signal.signal(number, handler)


def main(name: str, watched: int) -> int:
    """DVC's exit code, after a record per line of the output of DVC and of the stage.

    The stage is skipped where DVC did not run it: nothing that it needs has changed, or its outputs were in the cache.
    """
    start, ended = time.monotonic(), SKIPPED
    _say(name, STARTED)
    command = [sys.executable, "-m", "tools.dvc", "--wait-for-lock", "repro", "--single-item", name]
    seconds_of_forks = LOCKS / f"seconds-{os.getpid()}"
    environment = os.environ | {"PYTHONUNBUFFERED": "1", SECONDS: str(seconds_of_forks.absolute())}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    usable = gpus.visible()
    with gpus.free_one(usable, LOCKS) if usable else nullcontext() as gpu:
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        with process_group(command, watched, env=environment, **piped) as dvc:
            for line in dvc.stdout or ():
                # Of a progress bar, the state that a terminal would show last.
                text = line.decode(errors="replace").rstrip().rpartition("\r")[2]
                if text == f"Running stage '{name}':":
                    ended = DONE
                if text and not _ADVICE.match(text):
                    _say(name, LINE, text)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = usage.ru_utime + usage.ru_stime
    if seconds_of_forks.is_file():
        used += sum(map(float, seconds_of_forks.read_text().split()))
        seconds_of_forks.unlink()
    seconds = f"{time.monotonic() - start:.0f} s ({used:.0f} s of processor time)"
    _say(name, FAILED if dvc.returncode else ended, seconds)
    return 1 if dvc.returncode else 0


def _say(name: str, event: str, text: str = "") -> None:
    # One write, so that lines of stages side by side stay whole.
    os.write(sys.stdout.fileno(), f"{name}\t{event}\t{text}\n".encode())


if __name__ == "__main__":
    words = described(__doc__)
    words.add_argument("name", help="of the stage, as in dvc.yaml")
    words.add_argument("process", type=int, help="the id of the process with which the stage ends")
    chosen = words.parse_args()
    sys.exit(main(chosen.name, chosen.process))
