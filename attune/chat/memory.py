"""Loaded models within the machine's memory: the least recently used leave where a new one does not fit beside them."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from attune.base_models.headers import tensor_shapes
from attune.core.devices import device
from attune.core.errors import AttuneError
from attune.core.memory import usable

Loaded = TypeVar("Loaded")

SHARE = 0.75  # of the memory that is free at the start; conversations and the page need some, too
_AVAILABLE = Path("/proc/meminfo")


class _Use(NamedTuple):
    """What is kept under `name`, and the files and folders that it was loaded from; copied: those it holds alone."""

    kept: dict[str, Any]
    name: str
    paths: tuple[Path, ...]
    copied: tuple[Path, ...]


class Memory:
    """Decides which models stay loaded. Their size is that of their files, each counted once for all that share it.

    Weights count as they are held, in float32, also where the file has them in fewer bits. Those of which every model
    holds a copy count for each.
    """

    def __init__(self, limit: int | None = None) -> None:
        """limit: in bytes; by default SHARE of what is free when the first model is loaded."""
        self._given = limit
        self._uses: dict[tuple[int, str], _Use] = {}  # the least recent first

    @cached_property
    def limit(self) -> int:
        return int(SHARE * free_bytes()) if self._given is None else self._given

    def fetched(
        self,
        kept: dict[str, Loaded],
        name: str,
        paths: Sequence[Path],
        load: Callable[[], Loaded],
        copied: Sequence[Path] = (),
    ) -> Loaded:
        """`kept[name]`, which is loaded where it is missing, from `paths` and `copied`; of these it holds its own copy.

        Where the limit would be exceeded, others leave their dictionaries first, the least recently fetched before the
        rest. What is larger than the limit by itself is loaded all the same.
        """
        use = _Use(kept, name, tuple(paths), tuple(copied))
        if name not in kept:
            self._make_room(use)
            kept[name] = load()
        self._uses.pop((id(kept), name), None)
        self._uses[id(kept), name] = use
        return kept[name]

    def _make_room(self, wanted: _Use) -> None:
        count, limit = len(self._uses), self.limit  # the limit is that before the first model
        while self._uses and _size([wanted, *self._uses.values()]) > limit:
            use = self._uses.pop(next(iter(self._uses)))
            del use.kept[use.name]
        if len(self._uses) < count:
            gc.collect()  # models refer to themselves


def is_copied(base: Path) -> bool:
    """Whether every model that starts from the folder `base` holds the weights itself.

    On the processor they stay mapped from files in float32; others are converted, and a GPU gets a copy.
    """
    return device() != "cpu" or not all(_in_float32(file) for file in base.rglob("*.safetensors"))


def free_bytes() -> int:
    """The GPU's free memory; without one, what can be used without swapping, and at most this process's limit."""
    if device() == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    found = [usable()]
    if _AVAILABLE.is_file():
        lines = _AVAILABLE.read_text(encoding="utf-8").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min(found)


def _size(uses: Sequence[_Use]) -> int:
    """The bytes that what the uses were loaded from takes in memory."""
    shared = {file for use in uses for path in use.paths for file in _files(path)}
    copies = (file for use in uses for path in use.copied for file in _files(path))
    return sum(map(_held, shared)) + sum(map(_held, copies))


def _files(path: Path) -> Iterator[Path]:
    """The file, or all files below the folder."""
    return (file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _held(file: Path) -> int:
    if file.suffix == ".safetensors":
        with suppress(AttuneError):  # named when it is loaded
            return sum(4 * prod(shape) for shape in tensor_shapes(file).values())
    return file.stat().st_size


def _in_float32(file: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    with suppress(SafetensorError, OSError), safe_open(file, framework="np") as tensors:
        names = tensors.keys()
        kinds = {tensors.get_slice(name).get_dtype() for name in names}
        return not any("F" in kind and kind != "F32" for kind in kinds)  # integers, such as positions, are no weights
    return True  # what is wrong with it is named when it is loaded
