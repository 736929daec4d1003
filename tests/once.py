"""What takes long to make and is only read, made once for all tests, also for all workers of a parallel run."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    import pytest

_places: list[Path] = []


def keep_in(factory: "pytest.TempPathFactory") -> None:
    """Keep what is made in the run's temporary folder."""
    base = factory.getbasetemp()
    # The workers have neighbouring temporary folders.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    place.mkdir(exist_ok=True)
    _places[:] = [place]


def folder() -> Path:
    """Where it is kept."""
    return _places[0]


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, for the first that asks for it; others wait for it, and must not change it."""
    folder = _places[0] / name
    with FileLock(folder.with_suffix(".lock")):
        made = folder.with_suffix(".made")
        if not made.is_file():
            shutil.rmtree(folder, ignore_errors=True)  # what a `make` that failed has left
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def written_once(make: Callable[[], None], outputs: Sequence[Path], given: Sequence[Path], words: str = "") -> None:
    """Write `outputs`, files or folders, by `make`, or copy what it wrote from the same `words` and files `given`."""

    def keep(folder: Path) -> None:
        make()
        for number, path in enumerate(outputs):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / str(number))

    key = hashlib.sha256("\n".join([words, *map(str, outputs)]).encode())
    for place in given:
        for path in sorted(file for file in (place, *place.rglob("*")) if file.is_file()):
            key.update(f"\n{path}\n".encode() + path.read_bytes())
    kept = made_once(key.hexdigest(), keep)
    for number, path in enumerate(outputs):
        source = kept / str(number)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, path)
