"""What intervals and paired tests take as one unit.

A person's replies are alike, and so are replies about one situation, or in conversations that begin alike: another test
set would have others, so these are what is resampled and exchanged (the cluster bootstrap: Davison and Hinkley 1997,
section 3.8; Field and Welsh 2007). Where replies are ranked, those whom people answer recur as well: tests are by the
one and by the other (`ranking.summary.comparisons`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attune.metrics.bootstrap import FEWEST
from attune.metrics.ratio import Ratio


def enough_clusters(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the rows have so many different clusters that these are the units.

    Fewer people, one bot say, tell nothing about others; then the examples are, and what is found holds for them alone.
    """
    return len({row["cluster"] for row in rows if row["cluster"]}) >= FEWEST


def units(rows: Sequence[Mapping[str, Any]], example: str, clustered: bool | None = None) -> list[str]:
    """Each row's unit: its `cluster` or, where that is empty or the rows are not `clustered`, its `example`.

    example: the column that names what belongs together in any case, a conversation say. clustered: by default whether
    the rows have `enough_clusters`. Where rows are parts of others, of several domains say, that is decided once, of
    all: an example would not be one unit in one part and a fraction of a person's in another.

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
