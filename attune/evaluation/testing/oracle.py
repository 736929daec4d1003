"""What a perfect retriever would find: the train exchanges whose replies are most like the true one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.index.bank import distinct
from attune.index.embedding import embed
from attune.index.passages import Passage, exchanges


def most_like_targets(
    test: Sequence[dict[str, Any]],
    train: Sequence[dict[str, Any]],
    template: str,
    k: int,
    encoder: Any,
    batch_size: int,
) -> list[list[Passage]]:
    """For each test row the k exchanges of `train` whose replies' cosines with its target are highest, as their scores.

    Best first, and as different in their situations and replies as those that are retrieved.

    Raises
    ------
    AttuneError
        if a conversation is in both.
    """
    shared = {row["conv_id"] for row in test} & {row["conv_id"] for row in train}
    if shared:
        raise AttuneError(f"the conversation {min(shared)!r} is in the test and the train split; draw them again")
    passages = exchanges(train, template)
    replies, targets = (embed(encoder, [row["target"] for row in rows], batch_size) for rows in (train, test))
    cosines = targets @ replies.T
    ranked = ([(passages[at], float(row[at])) for at in np.argsort(-row, kind="stable")] for row in cosines)
    return [[passage | {"score": cosine} for passage, cosine in distinct(each)[:k]] for each in ranked]
