"""What no two splits share: a conversation's opening and, where openings differ, all that is said in it."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.core.text import words_hash
from attune.corpora.base import Corpus, Row
from attune.corpora.reading import BadRows

if TYPE_CHECKING:
    import numpy as np


def shared(corpus: Corpus, row: Row) -> tuple[str, str, str]:
    """The opening, or the conversation's name where its corpus has none; `Corpus.said`, or else the same again; and, in
    one's own data, of which conversation the row is a part, empty where no column says so.
    """
    opening = corpus.opening(row) if corpus.opening else row[corpus.key]
    return opening, corpus.said(row) if corpus.said else opening, row.get("conversation", "")


def joined(openings: "np.ndarray", texts: "np.ndarray") -> "np.ndarray":
    """For each conversation a number that it has in common with all that openings or texts join with it."""
    import numpy as np

    if np.array_equal(openings, texts):
        return openings
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # A graph of openings and texts, in which each conversation is an edge.
    opening, text = (np.unique(each, return_inverse=True)[1] for each in (openings, texts))
    edges = coo_array((np.ones(len(text)), (opening, text + len(text))), shape=(2 * len(text),) * 2)
    return connected_components(edges, directed=False)[1][opening]


def check_repeated(corpus: Corpus, folder: Path) -> None:
    """Check that conversations of one name in several raw files are the same: of each name only the first is used.

    A corpus with a subset of its own, which names conversations by what they say, is not read. Some hundred bytes are
    held per conversation.

    Raises
    ------
    AttuneError
        for another conversation under a name that an earlier file has, as where names begin anew in each file.
    """
    files = corpus.files(folder).values() if corpus.subset is None else ()
    first: dict[str, tuple[Path, int]] = {}
    for path in files if len(files) > 1 else ():
        for row in corpus.read(path, BadRows("skip")):  # they are counted already
            name, content = row[corpus.key], hash(unicodedata.normalize("NFC", repr(row)))
            before, known = first.setdefault(name, (path, content))
            if content != known:
                raise AttuneError(
                    f"{path}: {corpus.key} {name!r} is that of another conversation in {before}; give each "
                    "conversation an id of its own, in all files together"
                )


def together(
    openings: "np.ndarray", texts: "np.ndarray", conversations: "np.ndarray", drawn: "np.ndarray"
) -> "np.ndarray":
    """As `joined`, for the rows at the positions `drawn`.

    conversations: what a row is a part of, 0 for nothing. A part has the opening of its conversation's first row: what
    comes before a reply further on, "Thank you" say, would join what has nothing else in common.
    """
    import numpy as np

    if conversations.any():
        _, first, group = np.unique(conversations, return_index=True, return_inverse=True)
        openings = openings[first][group]
    return joined(openings[drawn], texts[drawn])


def recalled(train: Iterable[Row], test: Iterable[Row]) -> tuple[int, int]:
    """How many conversations of test end with a turn that train has word for word (`words_of`), and how many there are.

    Streams: what is held is a hash for each of the test's last turns.
    """
    replies = Counter(words_hash(row["utterances"][-1]) for row in test)
    hashes = (words_hash(turn) for row in train for turn in row["utterances"])
    return sum(replies[each] for each in set(filter(replies.__contains__, hashes))), replies.total()
