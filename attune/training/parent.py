"""A training ends with the process that started it: a killed DVC would leave its stage writing beside the next run's.

The process is watched, not the thread: Linux's parent-death signal (prctl) comes when the thread that started a
training ends, as a notebook's callback does, although its process lives on; and it kills without a word.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from attune.core.environment import lives

_INTERVAL = 0.25  # seconds between two looks
# By these a program says that it has started this process as a part of its own work: DVC a stage, torchrun a worker.
_STARTED_AS_A_PART = ("DVC_STAGE", "LOCAL_RANK")


@contextmanager
def dying_with_parent() -> Iterator[None]:
    """Inside, end this process where nobody waits for it any more.

    A stage of DVC and a process of torchrun end with the process that started them. Any other training lives as long as
    the leader of its process group, such as a script; in a group of its own, or where `nohup` ignores hang-ups, as long
    as it needs.
    """
    as_a_part = any(name in os.environ for name in _STARTED_AS_A_PART)
    if not as_a_part and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        yield
        return
    parent, leader, done = os.getppid(), os.getpgrp(), Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            if os.getppid() != parent and (as_a_part or not lives(leader)):
                _end(parent)

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _end(parent: int) -> None:
    with suppress(OSError):  # whoever read the output may have ended, too
        sys.stderr.write(
            f"error: the training ends, since the process {parent} that started it has ended; the same command resumes "
            "it from its last complete checkpoint, and with `nohup` it would go on alone\n"
        )
        sys.stderr.flush()
    os._exit(1)
