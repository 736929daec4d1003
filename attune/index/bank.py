"""Nearest neighbours by cosine: FAISS, with the rows' ids beside it as parquet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.core.files import read_parquet


@dataclass(frozen=True)
class HnswShape:
    """The graph's links a vector and its beam while building and searching (Malkov and Yashunin, 2018: M, ef)."""

    links: int
    construction: int
    search: int


def build(vectors: np.ndarray, exact_up_to: int, shape: HnswShape) -> Any:
    """A FAISS inner-product index over unit `vectors` (n, d): exact up to `exact_up_to` of them, HNSW above."""
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


class Bank:
    """An index and the rows that its vectors stand for, in their order."""

    def __init__(self, index: Any, rows: list[dict[str, Any]]) -> None:
        self.index, self.rows = index, rows

    @classmethod
    def load(cls, folder: Path) -> "Bank":
        """What the stage `index` wrote."""
        import faiss

        for name in ("index.faiss", "rows.parquet"):
            if not (folder / name).exists():
                raise AttuneError(f"{folder / name} is missing; run `dvc repro index`")
        bank = cls(faiss.read_index(str(folder / "index.faiss")), read_parquet(folder / "rows.parquet"))
        if bank.index.ntotal != len(bank.rows):
            raise AttuneError(f"{folder}: the index holds {bank.index.ntotal} vectors for {len(bank.rows)} rows")
        return bank

    def nearest(self, queries: np.ndarray, k: int) -> list[list[tuple[dict[str, Any], float]]]:
        """For each of the unit `queries` (q, d) up to k (row, cosine), best first."""
        scores, places = self.index.search(queries, min(k, len(self.rows)))
        return [
            [(self.rows[place], float(score)) for score, place in zip(*found, strict=True) if place >= 0]
            for found in zip(scores, places, strict=True)
        ]
