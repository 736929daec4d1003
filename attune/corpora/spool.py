"""Rows on their way into files whose order is not the one in which the rows are read: on disk instead of in memory."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.files import ROW_GROUP
from attune.corpora.base import Row

if TYPE_CHECKING:
    import numpy as np

_AT_ONCE = 65_536
_HELD = 4_000_000  # characters on their way into buckets, of which there may be more than files can be open


class Spool:
    """Buckets of ROW_GROUP rows each, in `folder`; one bucket at a time is sorted in memory.

    chosen: file name -> the numbers of its rows, in the file's order; numbers count rows as they are read, from 0. A
    row may be in several files.
    """

    def __init__(self, folder: Path, chosen: Mapping[str, "np.ndarray"]) -> None:
        self.folder, self.chosen = folder, chosen
        folder.mkdir(parents=True)

    def fill(self, rows: Iterable[Row]) -> None:
        """Read `rows`, as far as any of them is chosen, and put the chosen ones into their buckets."""
        names = list(self.chosen)
        wanted = self._wanted(names)
        following = next(wanted, None)
        buckets: defaultdict[Path, list[str]] = defaultdict(list)
        held = 0
        for number, row in enumerate(rows):
            while following and following[0] == number:
                _, file, position = following
                line = json.dumps([position, row], ensure_ascii=False) + "\n"
                buckets[self._bucket(names[file], position // ROW_GROUP)].append(line)
                held += len(line)
                following = next(wanted, None)
            if not following:
                break
            if held > _HELD:
                _append(buckets)
                held = 0
        _append(buckets)

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of the file `name` in its order."""
        for number in range(0, len(self.chosen[name]), ROW_GROUP):
            with self._bucket(name, number // ROW_GROUP).open(encoding="utf-8", newline="\n") as stream:
                yield from (row for _, row in sorted(map(json.loads, stream), key=lambda placed: placed[0]))

    def candidates(self, domain: str) -> Iterator[Row]:
        """Id and reply of each conversation in the file `candidates/DOMAIN`, in its order."""
        rows = self.rows(f"candidates/{domain}")
        return ({"id": row["id"], "response": row["utterances"][-1]} for row in rows)

    def _bucket(self, name: str, number: int) -> Path:
        return self.folder / f"{name.replace('/', '.')}.{number}.jsonl"

    def _wanted(self, names: list[str]) -> Iterator[tuple[int, int, int]]:
        """(number, file, position in the file) of everything that is chosen, by number."""
        import numpy as np

        sizes = [len(self.chosen[name]) for name in names]
        numbers = np.concatenate([self.chosen[name] for name in names])
        files = np.repeat(np.arange(len(names)), sizes)
        positions = np.concatenate([np.arange(size) for size in sizes])
        order = np.argsort(numbers, kind="stable")
        for start in range(0, len(order), _AT_ONCE):
            part = order[start : start + _AT_ONCE]
            yield from zip(numbers[part].tolist(), files[part].tolist(), positions[part].tolist(), strict=True)


def _append(buckets: dict[Path, list[str]]) -> None:
    """Write the lines at the end of their files, and forget them."""
    for path, lines in buckets.items():
        with path.open("a", encoding="utf-8") as stream:
            stream.writelines(lines)
    buckets.clear()
