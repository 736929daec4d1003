"""Files of persona sentences: blocks of a user's name and what that user says about himself or herself."""

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from attune.corpora.blocks import END, Block, blocks, check_complete
from attune.corpora.reading import BOM, BadRow, BadRows
from attune.corpora.subsets import key


class Personas(Mapping[str, tuple[str, ...]]):
    """Each user's sentences in file order without repeats; a user's later block adds to the earlier one.

    They are read when asked for: 40 bytes per block are held, however long its sentences are.
    """

    def __init__(self, path: Path, bad: BadRows) -> None:
        self.path = path
        users, starts, sizes, filled = array("Q"), array("Q"), array("Q"), array("b")
        for block in blocks(path):
            try:
                user, sentences = _persona(block)
            except BadRow as error:
                bad.add(path, error.number, str(error))
            else:
                start, end = block.place
                users.append(key(user))
                starts.append(start)
                sizes.append(end - start)
                filled.append(bool(sentences))
        self._order = np.argsort(np.asarray(users), kind="stable")
        self._users = np.asarray(users)[self._order]
        self._places = np.stack([np.asarray(starts), np.asarray(sizes)], axis=1)
        self.with_sentences = np.unique(np.asarray(users)[np.asarray(filled, bool)])

    def __getitem__(self, user: str) -> tuple[str, ...]:
        wanted = np.uint64(key(user))
        low, high = (np.searchsorted(self._users, wanted, side) for side in ("left", "right"))
        if low == high:
            raise KeyError(user)
        blocks = [self._block(place) for place in self._order[low:high]]
        return tuple(dict.fromkeys(sentence for _, *sentences in blocks for sentence in sentences))

    def __iter__(self) -> Iterator[str]:
        _, first = np.unique(self._users, return_index=True)
        return (self._block(place)[0] for place in np.sort(self._order[first]))

    def __len__(self) -> int:
        return len(np.unique(self._users))

    def _block(self, number: int) -> list[str]:
        """User and sentences of a block."""
        start, size = self._places[number].tolist()
        with self.path.open("rb") as stream:
            stream.seek(start)
            text = stream.read(size).removeprefix(BOM if start == 0 else b"").decode("utf-8")
        return [line for each in text.split("\n") if (line := each.strip()) and line != END]


def _persona(block: Block) -> tuple[str, list[str]]:
    check_complete(block)
    if not block.lines:
        raise BadRow(block.end, "a persona block without a user; expected the user's name on its first line")
    user, *sentences = (line.strip() for _, line in block.lines)
    return user, sentences
