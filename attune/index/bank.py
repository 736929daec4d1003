"""Nearest neighbours by cosine: a FAISS index, and the rows that its vectors stand for as parquet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from attune.core.text import words_of
from attune.parameters.data import Index

Row = dict[str, Any]


@dataclass(frozen=True)
class HnswShape:
    """HNSW's links per vector, and its beam while building and while searching (Malkov and Yashunin 2018: M, ef)."""

    links: int
    construction: int
    search: int

    @classmethod
    def of(cls, settings: Index) -> "HnswShape":
        return cls(settings.hnsw_links, settings.hnsw_construction, settings.hnsw_search)


def build(vectors: np.ndarray, exact_up_to: int, shape: HnswShape) -> Any:
    """A FAISS inner-product index of the unit `vectors` (n, d): exact up to `exact_up_to` of them, HNSW above.

    Raises
    ------
    AttuneError
        for no vectors.
    """
    import faiss

    if len(vectors) == 0:
        raise AttuneError("there is nothing to index: the train split has no rows")
    if len(vectors) <= exact_up_to:
        index: Any = faiss.IndexFlatIP(vectors.shape[1])
    else:
        faiss.omp_set_num_threads(1)  # the graph depends on the order in which threads insert
        index = faiss.IndexHNSWFlat(vectors.shape[1], shape.links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = shape.construction
        index.hnsw.efSearch = shape.search
    index.add(vectors)
    return index


def entries(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Processed rows as an index stores them: `id`, the `text` that is searched, and the `reply` that is retrieved.

    A row with a `response` is searched by it, a row with a `target` by the message that the target answers: queries are
    messages too, and nobody who replies has been told the situation.
    """
    return [
        {"id": row["id"], "text": row["response"], "reply": row["response"]}
        if "response" in row
        else {"id": exchange_id(row), "text": row["input"], "reply": row["target"]}
        for row in rows
    ]


def exchange_id(row: Mapping[str, Any]) -> str:
    """A reply's conversation and its position in it."""
    return f"{row['conv_id']}#{row['turn']}"


def distinct(rows: Iterable[tuple[Row, float]]) -> list[tuple[Row, float]]:
    """The rows without those whose situation or reply an earlier one has, compared by their words.

    Where rows name no situation, their conversation stands for it. A passage's text is not compared: the reply is part
    of it, and by the template's own words all texts of emoji alone would be the same.
    """
    seen: set[tuple[str, str]] = set()
    kept = []
    for row, cosine in rows:
        keys: set[tuple[str, str]] = {("reply", words_of(row["reply"]))} if "reply" in row else set()
        if "id" in row:
            keys.add(("about", about(row)))
        if not keys & seen:
            kept.append((row, cosine))
            seen |= keys
    return kept


def about(row: Mapping[str, Any]) -> str:
    """What the conversation of an index's row is about: the words of its situation, or its name where it has none."""
    return words_of(row.get("situation", "")) or row.get("conversation") or row["id"].partition("#")[0]


class Bank:
    """An index and the rows that its vectors stand for, in the same order."""

    def __init__(self, index: Any, rows: list[Row]) -> None:
        self.index, self.rows = index, rows

    @classmethod
    def load(cls, folder: Path) -> "Bank":
        """What the stage `index` wrote.

        Raises
        ------
        AttuneError
            for a missing or damaged file, and for an index with another number of vectors than rows.
        """
        import faiss

        for name in ("index.faiss", "rows.parquet"):
            if not (folder / name).exists():
                raise AttuneError(f"{folder / name} is missing; run `dvc repro index`")
        try:
            index = faiss.read_index(str(folder / "index.faiss"))
        except (RuntimeError, MemoryError):  # of a damaged file, sizes can be anything
            raise AttuneError(f"{folder / 'index.faiss'} is not a complete index; run `dvc repro index`") from None
        bank = cls(index, read_parquet(folder / "rows.parquet"))
        if bank.index.ntotal != len(bank.rows):
            raise AttuneError(f"{folder}: the index holds {bank.index.ntotal} vectors for {len(bank.rows)} rows")
        return bank

    def vectors(self) -> np.ndarray:
        """(n, d) float32: the vectors of all rows, in their order."""
        return self.index.reconstruct_n(0, len(self.rows))

    def nearest(self, queries: np.ndarray, k: int, exact: bool = False) -> list[list[tuple[Row, float]]]:
        """For each of the unit `queries` (q, d) up to k pairs of row and cosine, best first.

        exact: also where the index is a graph. In one, many copies of a text are near to each other alone, so that a
        search does not get beyond them; nor does it reach all rows.
        """
        whole = exact or k >= len(self.rows)
        index = self.index.storage if whole and hasattr(self.index, "hnsw") else self.index
        cosines, positions = index.search(queries, min(k, len(self.rows)))
        return [
            [(self.rows[position], float(cosine)) for cosine, position in zip(*each, strict=True) if position >= 0]
            for each in zip(cosines, positions, strict=True)
        ]
