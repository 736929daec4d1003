"""Candidates of the ranking test: the replies that a context's right one is ranked among, the same for all models."""

from collections.abc import Mapping, Sequence
from typing import Any

from attune.core.determinism import seeded
from attune.core.errors import AttuneError
from attune.core.text import words_of

# Replies that all contexts' candidates are drawn from, per candidate of a context. Each is encoded once for each model,
# so that a whole split of thousands would take a model longer than its training; the paper's contexts have
# theirs from batches of as many replies as candidates.
POOL_FACTOR = 5


def draw_candidates(right: str, identity: str, pool: Mapping[str, str], count: int, seed: int) -> list[str]:
    """`count` distinct replies, the right one first; the distractors are drawn from `pool`, seeded by the context's id.

    pool: distinct replies of the test split in a fixed order, and the `words_of` each. A reply with the words of the
    right one is never a distractor (in the original it is, and counts as an error).

    Raises
    ------
    AttuneError
        if the pool is too small: with fewer candidates the scores would not be comparable.
    """
    said = words_of(right)
    others = [reply for reply, words in pool.items() if words != said]
    if len(others) < count - 1:
        raise AttuneError(
            f"the test split has {len(others)} replies with other words than {identity}'s, but cobert.candidates = "
            f"{count} needs {count - 1}; set cobert.candidates to at most {len(others) + 1}"
        )
    return [right, *seeded(seed, "candidates", identity).sample(others, count - 1)]


def in_batch(rows: Sequence[dict[str, Any]], size: int, seed: int) -> list[list[str]]:
    """The original's candidates: the responses of shuffled batches of `size` contexts, each context's own first.

    Repeated responses count once, and those with the words of a context's own not at all. The last batch may be
    smaller, and so easier. Only for comparison with the original.
    """
    order = seeded(seed, "batches").sample(range(len(rows)), len(rows))
    drawn: list[list[str]] = [[] for _ in rows]
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        replies = {reply: words_of(reply) for reply in sorted({rows[place]["response"] for place in batch})}
        for place in batch:
            right = rows[place]["response"]
            drawn[place] = [right, *(reply for reply, words in replies.items() if words != replies[right])]
    return drawn


def candidates(
    rows: Sequence[dict[str, Any]], pool: Sequence[str], count: int, seed: int, drawn_from: str
) -> list[list[str]]:
    """The candidates of each row (id, response), the right one first.

    pool: the replies of the whole test split, of which POOL_FACTOR * `count` are drawn, and each row's from those.
    drawn_from: "test_split" or "in_batch".

    Raises
    ------
    AttuneError
        if the test split has too few replies with other words than a row's.
    """
    if drawn_from == "in_batch":
        return in_batch(rows, count, seed)
    distinct = sorted(set(pool))
    if len(distinct) > POOL_FACTOR * count:
        distinct = sorted(seeded(seed, "candidates").sample(distinct, POOL_FACTOR * count))
    words = {reply: words_of(reply) for reply in distinct}
    return [draw_candidates(row["response"], row["id"], words, count, seed) for row in rows]
