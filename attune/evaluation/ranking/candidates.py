"""Among which replies the right one must be found: the same for every model."""

from collections.abc import Sequence
from typing import Any

from attune.core.determinism import seeded
from attune.core.errors import AttuneError


def draw_candidates(right: str, identity: str, pool: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` distinct replies, the right one first: the others are drawn from `pool`, seeded by the example's id.

    `pool`: distinct replies of the whole test split in a fixed order. A reply with the text of the right one is
    never a distractor (in the original it counts as an error).

    Raises
    ------
    AttuneError
        if the pool is too small, for the scores would not be comparable.
    """
    others = [reply for reply in pool if reply != right]
    if len(others) < count - 1:
        raise AttuneError(
            f"the test split has {len(others)} other replies, but cobert.candidates = {count} needs {count - 1}; "
            f"set cobert.candidates to at most {len(others) + 1}"
        )
    return [right, *seeded(seed, "candidates", identity).sample(others, count - 1)]


def in_batch(rows: Sequence[dict[str, Any]], size: int, seed: int) -> list[list[str]]:
    """The original's: rows shuffled into batches of `size`, whose replies are each other's candidates, the own first.

    Repeated replies count once; the last batch may be smaller, and so easier. For comparison with the original only.
    """
    order = seeded(seed, "batches").sample(range(len(rows)), len(rows))
    found: list[list[str]] = [[] for _ in rows]
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        replies = sorted({rows[place]["response"] for place in batch})
        for place in batch:
            own = rows[place]["response"]
            found[place] = [own, *(reply for reply in replies if reply != own)]
    return found


def candidates(
    rows: Sequence[dict[str, Any]], pool: Sequence[str], count: int, seed: int, drawn_from: str
) -> list[list[str]]:
    """For each row of the PEC schema its candidates, the right one first.

    `pool`: the replies of the whole test split. `drawn_from`: "test_split" or "in_batch".
    """
    if drawn_from == "in_batch":
        return in_batch(rows, count, seed)
    distinct = sorted(set(pool))
    return [draw_candidates(row["response"], row["id"], distinct, count, seed) for row in rows]
