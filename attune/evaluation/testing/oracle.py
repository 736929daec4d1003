"""What a perfect retriever would find: the train exchange whose reply is most like the true one."""

from collections.abc import Sequence
from typing import Any

from attune.core.errors import AttuneError
from attune.index.embedding import embed
from attune.index.passages import Passage, exchanges


def most_like_targets(
    test: Sequence[dict[str, Any]], train: Sequence[dict[str, Any]], template: str, encoder: Any, batch_size: int
) -> list[Passage]:
    """For each test row the exchange of `train` whose reply's cosine with the row's target is highest, as its score.

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
    return [passages[at] | {"score": float(row[at])} for row, at in zip(cosines, cosines.argmax(1), strict=True)]
