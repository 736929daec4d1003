"""What no two splits share: a conversation's opening and, where openings differ, all that is said in it."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Row
from attune.corpora.reading import BadRows

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


def check_repeated(corpus: Corpus, files: Collection[Path]) -> None:
    """Check that conversations of one name in several raw files are the same: of each name only the first is used.

    Some hundred bytes are held per conversation.

    Raises
    ------
    AttuneError
        for another conversation under a name that an earlier file has, as where names begin anew in each file.
    """
    first: dict[str, tuple[Path, int]] = {}
    for path in files if len(files) > 1 else ():
        for row in corpus.read(path, BadRows("skip")):  # they are counted already
            name, content = row[corpus.key], hash(repr(row))
            before, known = first.setdefault(name, (path, content))
            if content != known:
                raise AttuneError(
                    f"{path}: {corpus.key} {name!r} is that of another conversation in {before}; give each "
                    "conversation an id of its own, in all files together"
                )
