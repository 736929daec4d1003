"""What no two splits share: a conversation's opening and, where openings differ, all that is said in it."""

from typing import TYPE_CHECKING

from attune.corpora.base import Corpus, Row

if TYPE_CHECKING:
    import numpy as np


def shared(corpus: Corpus, row: Row) -> tuple[str, str]:
    """The opening, or the conversation's name where its corpus has none, and `Corpus.said`, or else the same again."""
    opening = corpus.opening(row) if corpus.opening else row[corpus.key]
    return opening, corpus.said(row) if corpus.said else opening


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
