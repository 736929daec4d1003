"""A process ends with the one that started it: a killed DVC would leave its stage writing beside the next run's.

The process is watched, not the thread: Linux's parent-death signal (prctl) comes when the thread that started a
training ends, as a notebook's callback does, although its process lives on; and it kills without a word.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from socket import socket
from threading import Event, Thread

from attune.core.environment import lives

_INTERVAL = 0.25  # seconds between two looks
# By these a program says that it has started this process as a part of its own work: DVC a stage, torchrun a worker.
_STAGE, _WORKER = "DVC_STAGE", "LOCAL_RANK"
_ALONE = ", and with `nohup` it would go on alone"
_watched = False  # whether a thread does so already, for a block around the present one


@contextmanager
def dying_with_parent(advice: str = "") -> Iterator[None]:
    """Inside, end this process where nobody waits for it any more, and say so on standard error.

    A stage of DVC and a process of torchrun end with the process that started them, and then say `advice`, too. Any
    other lives as long as the leader of its process group, such as a script; in a group of its own, or where `nohup`
    ignores hang-ups, as long as it needs.
    """
    global _watched
    as_a_part = _STAGE in os.environ or _WORKER in os.environ
    if _watched or (not as_a_part and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN):
        yield
        return
    ancestors, leader, done = _ancestors(), os.getpgrp(), Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            now = _ancestors()[: len(ancestors)]
            gone = [old for old, new in zip_longest(ancestors, now) if old != new]
            if gone and (as_a_part or not lives(leader)):
                _end(gone[0], advice if as_a_part else _ALONE)

    watching = Thread(target=watch, daemon=True)
    watching.start()
    _watched = True
    try:
        yield
    finally:
        _watched = False
        done.set()
        watching.join()


def end_with(connection: socket, numbers: bytes) -> None:
    """End this process when the process at the other end of `connection` does, and not with the parent.

    Each byte that comes through it, and each of `numbers`, is a signal for this process's group.
    """
    global _watched
    _watched = True

    def watch(numbers: bytes) -> None:
        while True:
            for number in numbers:
                os.killpg(0, number)
            numbers = connection.recv(16)
            if not numbers:
                os._exit(1)

    Thread(target=watch, args=(numbers,), daemon=True).start()


def _ancestors() -> list[int]:
    """The parent; of a stage, all up to DVC, since the shell by which DVC starts it may stay between the two."""
    found = [os.getppid()]
    while _STAGE in os.environ and (above := _above(found[-1])):
        found.append(above)
    return found


def _above(process: int) -> int | None:
    """The parent of a process that DVC has started too; None for DVC itself, and where there is no /proc."""
    folder = Path(f"/proc/{process}")
    try:
        if any(each.startswith(f"{_STAGE}=".encode()) for each in (folder / "environ").read_bytes().split(b"\0")):
            return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        pass
    return None


def _end(ended: int, advice: str) -> None:
    with suppress(OSError):  # whoever read the output may have ended, too
        sys.stderr.write(
            f"error: the work ends here, since the process {ended} that started it has ended; the same command does "
            f"the rest, a training from its last complete checkpoint{advice}\n"
        )
        sys.stderr.flush()
    os._exit(1)
