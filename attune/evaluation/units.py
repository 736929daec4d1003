"""What intervals and paired tests take as one unit.

A person's replies are alike, and so are replies about one situation, or in conversations that begin alike: another test
set would have others, so these are what is resampled and exchanged (the cluster bootstrap: Davison and Hinkley 1997,
section 3.8; Field and Welsh 2007). Taking each reply for itself would give intervals that are too narrow.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attune.metrics.bootstrap import Ratio

# So many units a paired test needs to be significant at 5 % at all. Where fewer people reply, one bot say, they tell
# nothing about others; the examples are the units then, and what is found holds for these people.
FEWEST = 6


def enough_clusters(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the rows have so many different clusters that these are the units."""
    return len({row["cluster"] for row in rows if row["cluster"]}) >= FEWEST


def units(rows: Sequence[Mapping[str, Any]], example: str, clustered: bool | None = None) -> list[str]:
    """Each row's unit: its `cluster` or, where that is empty or the rows are not `clustered`, its `example`.

    example: the column that names what belongs together in any case, a conversation say. clustered: by default whether
    the rows have `enough_clusters`. For several domains that is decided once, of the rows of all: an example would not
    be one unit in one domain and part of a person's in another.

    >>> units([{"cluster": "", "id": "a"}, {"cluster": "ann", "id": "b"}], "id")
    ['a', 'b']
    """
    clustered = enough_clusters(rows) if clustered is None else clustered
    return [row["cluster"] if clustered and row["cluster"] else row[example] for row in rows]


def by_unit(
    rows: Sequence[Mapping[str, Any]],
    example: str,
    values: Sequence[float],
    weights: Sequence[float] | None = None,
    share: bool = False,
    clustered: bool | None = None,
) -> Ratio:
    """sum(values) / sum(weights) of the rows by unit, or their mean without weights.

    share: as `Ratio` has it. clustered: as for `units`.
    """
    return Ratio.of(zip(units(rows, example, clustered), values, weights or [1.0] * len(rows), strict=True), share)
