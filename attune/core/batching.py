"""Groups of sequences of similar length, so that padding them to one length costs little."""

from collections.abc import Sequence


def by_length(lengths: Sequence[int], size: int | None = None, tokens: int | None = None) -> list[list[int]]:
    """Positions by ascending length, equal ones in order, in groups of at most `size`.

    tokens: the most that a group of more than one position has once padded. None: any number, of either.
    """
    groups: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        count = len(groups[-1]) + 1 if groups else 0
        if not groups or (size is not None and count > size) or (tokens is not None and count * lengths[at] > tokens):
            groups.append([])
        groups[-1].append(at)
    return groups
