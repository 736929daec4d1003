"""Persona sentences: their files, in blocks of a user's name and what that user says, and those of a free text."""

import re
from array import array
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.text import TITLES
from attune.corpora.blocks import END, Block, blocks, check_closed
from attune.corpora.reading import BOM, BadRow, BadRows
from attune.corpora.subsets import key

if TYPE_CHECKING:
    import numpy as np

# Neither a title's full stop nor that of a number in front of a line ends a sentence.
_NO_TITLE = "".join(rf"(?<!\b{title}\.)" for title in TITLES)
_SENTENCE_END = re.compile(rf"(?<=[.!?]){_NO_TITLE}(?<!^\d\.)(?<!^\d\d\.)\s+")


def persona_sentences(persona: str) -> tuple[str, ...]:
    """The sentences of a text: a line break ends one, and so does a space after a full stop or the like."""
    return tuple(
        sentence for line in persona.splitlines() for sentence in _SENTENCE_END.split(line.strip()) if sentence
    )


class Personas(Mapping[str, tuple[str, ...]]):
    """Each user's sentences in file order without repeats; a user's later block adds to the earlier one.

    They are read when asked for: some 40 bytes per block are held, however long its sentences are.
    """

    def __init__(self, path: Path, bad: BadRows) -> None:
        self.path = path
        self._keys, self._starts, self._sizes, self._filled = array("Q"), array("Q"), array("Q"), array("b")
        for user, sentences, (start, end) in _personas(path, bad):
            self._keys.append(key(user))
            self._starts.append(start)
            self._sizes.append(end - start)
            self._filled.append(bool(sentences))

    @cached_property
    def with_sentences(self) -> "np.ndarray":
        """The keys of the users who say something, ascending."""
        import numpy as np

        return np.unique(np.asarray(self._keys)[np.asarray(self._filled, bool)])

    @cached_property
    def _order(self) -> "np.ndarray":
        """The numbers of the blocks by their users' keys; those of one user in file order."""
        import numpy as np

        return np.argsort(np.asarray(self._keys), kind="stable")

    @cached_property
    def _users(self) -> "np.ndarray":
        """The users' keys in that order."""
        import numpy as np

        return np.asarray(self._keys)[self._order]

    def __getitem__(self, user: str) -> tuple[str, ...]:
        import numpy as np

        wanted = np.uint64(key(user))
        low, high = (np.searchsorted(self._users, wanted, side) for side in ("left", "right"))
        if low == high:
            raise KeyError(user)
        blocks = [self._block(place) for place in self._order[low:high]]
        return tuple(dict.fromkeys(sentence for _, *sentences in blocks for sentence in sentences))

    def __iter__(self) -> Iterator[str]:
        """The users in the order of their first blocks, in one pass over the file."""
        again, seen = BadRows("skip"), set[int]()  # malformed blocks are reported already
        for user, _, _ in _personas(self.path, again):
            if (number := key(user)) not in seen:
                seen.add(number)
                yield user

    def __len__(self) -> int:
        return len(set(self._keys))

    def _block(self, number: int) -> list[str]:
        """User and sentences of a block."""
        start, size = self._starts[number], self._sizes[number]
        with self.path.open("rb") as stream:
            stream.seek(start)
            text = stream.read(size).removeprefix(BOM if start == 0 else b"").decode("utf-8")
        return [line for each in text.split("\n") if (line := each.strip()) and line != END]


def _personas(path: Path, bad: BadRows) -> Iterator[tuple[str, list[str], tuple[int, int]]]:
    """User, sentences and place of each block; what is malformed is reported to `bad` and left out."""
    for block in blocks(path):
        with bad.leaving_out(path):
            user, sentences = _persona(block)
            yield user, sentences, block.place


def _persona(block: Block) -> tuple[str, list[str]]:
    check_closed(block)
    if not block.lines:
        raise BadRow(block.end, "a persona block without a user; expected the user's name on its first line")
    user, *sentences = (line.strip() for _, line in block.lines)
    return user, sentences
