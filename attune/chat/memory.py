"""Loaded models within the machine's memory: the least recently used leave where a new one does not fit beside them."""

import gc
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from attune.base_models.headers import tensor_shapes
from attune.core.errors import AttuneError

Loaded = TypeVar("Loaded")

SHARE = 0.75  # of the memory that is free at the start; conversations and the page need some, too
_AVAILABLE, _OF_CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")


class _Use(NamedTuple):
    """What is kept under `name`, and the files and folders that it was loaded from."""

    kept: dict[str, Any]
    name: str
    paths: tuple[Path, ...]


class Memory:
    """Decides which models stay loaded. Their size is that of their files, each counted once whoever shares it.

    Weights count as they are held, in float32, also where the file has them in fewer bits.
    """

    def __init__(self, limit: int | None = None) -> None:
        """limit: in bytes; by default SHARE of what is free."""
        self.limit = int(SHARE * free_bytes()) if limit is None else limit
        self._uses: dict[tuple[int, str], _Use] = {}  # the least recent first

    def fetched(self, kept: dict[str, Loaded], name: str, paths: Sequence[Path], load: Callable[[], Loaded]) -> Loaded:
        """`kept[name]`, which is loaded where it is missing; `paths`: all that it is loaded from.

        Where the limit would be exceeded, others leave their dictionaries first, the least recently fetched before the
        rest. What is larger than the limit by itself is loaded all the same.
        """
        use = _Use(kept, name, tuple(paths))
        if name not in kept:
            self._make_room(use.paths)
            kept[name] = load()
        self._uses.pop((id(kept), name), None)
        self._uses[id(kept), name] = use
        return kept[name]

    def _make_room(self, paths: tuple[Path, ...]) -> None:
        count = len(self._uses)
        while self._uses and _size([*paths, *(path for use in self._uses.values() for path in use.paths)]) > self.limit:
            kept, name, _ = self._uses.pop(next(iter(self._uses)))
            del kept[name]
        if len(self._uses) < count:
            gc.collect()  # models refer to themselves


def free_bytes() -> int:
    """The memory that can be used without swapping; of a container with a limit, at most that."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    if _AVAILABLE.is_file():
        lines = _AVAILABLE.read_text(encoding="utf-8").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    if _OF_CONTAINER.is_file() and (limit := _OF_CONTAINER.read_text(encoding="utf-8").strip()).isdecimal():
        found.append(int(limit))
    return min(found)


def _size(paths: Iterable[Path]) -> int:
    """The bytes that files, and all files below folders, take in memory."""
    files = {file for path in set(paths) for file in (path.rglob("*") if path.is_dir() else [path])}
    return sum(_held(file) for file in files if file.is_file())


def _held(file: Path) -> int:
    if file.suffix == ".safetensors":
        with suppress(AttuneError):  # named when it is loaded
            return sum(4 * prod(shape) for shape in tensor_shapes(file).values())
    return file.stat().st_size
