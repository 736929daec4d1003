"""What no two splits share: a conversation's opening and, where openings differ, all that is said in it."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attune.core.text import words_hash
from attune.corpora.base import Corpus, Row

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
