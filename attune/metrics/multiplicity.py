"""Correction of p for the number of tests."""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p of a family of tests, in their order: Holm's step-down procedure (Holm 1979, section 3).

    Rejecting where an adjusted p is below alpha makes a single false rejection among all tests no likelier than alpha,
    whatever their dependence.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return adjusted
