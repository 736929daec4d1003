"""Among which replies the right one must be found: the same for every model."""

from collections.abc import Sequence

from attune.determinism import seeded
from attune.errors import AttuneError


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
