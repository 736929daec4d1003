"""Where an interrupted training resumes: one folder per run, locked by one process and deleted when the run is done.

Checkpoints are kept outside of DVC's outputs: a persisted output would leak one run's steps into another run.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.core.parent import dying_with_parent

MARKER = "complete"
_LOCK_TIMEOUT = 2.0  # seconds that a second process waits for the first to release the folder


def run_key(parameters: Any, inputs: Iterable[Path], code: Iterable[Path], target: Path) -> str:
    """Identify a run by what decides it: its parameters and the content, not the paths, of its inputs and code.

    target: what it writes, relative to the project, so that two entries with the same settings train side by side.
    """
    digests = [[sha256(file) for file in _files(path)] for path in (*inputs, *code)]
    text = json.dumps([parameters, digests, target.as_posix()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise AttuneError(f"{path} is missing; run the stage that writes it first")
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


@contextmanager
def training_folder(roots: Sequence[Path], key: str) -> Iterator[Path]:
    """Lock the folder `key` in the first of `roots` where no other process uses it.

    It is deleted if the block succeeds, and kept for resuming otherwise. It is renamed first, so that no rerun
    resumes from a half of it.

    Raises
    ------
    AttuneError
        if other processes use all of them.
    """
    root, lock = _locked(roots, key)
    try:
        with dying_with_parent():
            folder, done = root / key, root / f"{key}.done"
            if done.exists():  # of a process that was killed while it deleted
                shutil.rmtree(done)
            folder.mkdir(exist_ok=True)
            yield folder
            folder.rename(done)
            shutil.rmtree(done)
    finally:
        lock.release()


def _locked(roots: Sequence[Path], key: str) -> tuple[Path, FileLock]:
    for root in roots:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / f"{key}.lock", timeout=_LOCK_TIMEOUT)
        try:
            lock.acquire()
        except Timeout:
            continue
        return root, lock
    raise AttuneError(f"another process is training in {root / key}; wait until it ends, or stop it, then start again")


def mark_complete(checkpoint: Path) -> None:
    """Record that a checkpoint is complete, and the sizes of its files, since it may be half deleted later."""
    (checkpoint / MARKER).write_text(json.dumps(_sizes(checkpoint)), encoding="utf-8")


def by_step(folder: Path) -> dict[int, Path]:
    """The folders checkpoint-N, complete or not, by their N."""
    found = ((re.fullmatch(r"checkpoint-(\d+)", path.name), path) for path in folder.glob("checkpoint-*"))
    return {int(match[1]): path for match, path in found if match}


def newest_complete(folder: Path) -> str | None:
    """The highest checkpoint-N that is complete; resuming from a torn one would give other weights."""
    complete = {step: path for step, path in by_step(folder).items() if _is_complete(path)}
    return str(complete[max(complete)]) if complete else None


def _is_complete(checkpoint: Path) -> bool:
    marker = checkpoint / MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == json.dumps(_sizes(checkpoint))


def _sizes(checkpoint: Path) -> dict[str, int]:
    return {
        str(path.relative_to(checkpoint)): path.stat().st_size
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name != MARKER
    }
