"""One GPU for each stage: `tools.repro` runs no more stages at once than there are GPUs, and each takes a free one."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

_INTERVAL = 0.5  # seconds between two looks for a free GPU


def visible() -> list[str]:
    """The GPUs that may be used, named as in CUDA_VISIBLE_DEVICES; none where there is no NVIDIA driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    done = subprocess.run([tool, "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True)
    found = [] if done.returncode else done.stdout.split()
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not found or given is None:
        return found
    return [name for each in given.split(",") if (name := each.strip()) not in ("", "-1")]


@contextmanager
def free_one(gpus: Sequence[str], folder: Path) -> Iterator[str]:
    """The first of `gpus` that no other process holds, waited for if need be; its lock is a file in `folder`.

    The lock goes by the GPU's name, so that runs agree on it wherever it stands in their lists; a GPU that is listed
    several times has as many locks.
    """
    # A part of a GPU (MIG) may have a slash in its name.
    names = [f"gpu-{quote(name, safe='')}-{gpus[:place].count(name)}.lock" for place, name in enumerate(gpus)]
    place, lock = _first_free([FileLock(folder / name, timeout=0) for name in names])
    try:
        yield gpus[place]
    finally:
        lock.release()


def _first_free(locks: Sequence[FileLock]) -> tuple[int, FileLock]:
    """The place of the lock that could be acquired, and the lock."""
    while True:
        for place, lock in enumerate(locks):
            with suppress(Timeout):
                lock.acquire()
                return place, lock
        time.sleep(_INTERVAL)
