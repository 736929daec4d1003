import re
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pytest

from attune.core.errors import AttuneError
from attune.core.files import write_parquet
from attune.index.bank import Bank, HnswShape, build, entries
from tests.git_lfs import POINTER


def unit(count: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_above_the_size_it_is_a_graph_that_finds_nearly_the_same() -> None:
    vectors, shape = unit(500), HnswShape(links=16, construction=90, search=110)
    exact, graph = build(vectors, 500, shape), build(vectors, 499, shape)
    assert type(exact).__name__ == "IndexFlatIP"
    assert type(graph).__name__ == "IndexHNSWFlat"
    assert (graph.hnsw.efConstruction, graph.hnsw.efSearch) == (90, 110)
    right, found = exact.search(vectors[:50], 5)[1], graph.search(vectors[:50], 5)[1]
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(right, found, strict=True)]) > 0.95
    again = build(vectors, 499, shape).search(vectors[:50], 5)
    assert np.array_equal(again[1], found)


def test_many_copies_in_a_graph_hide_no_other_row() -> None:
    """Copies link to each other alone, so that a search of the graph that begins at one does not get beyond them."""
    vectors = unit(600)
    vectors[:300] = vectors[0]
    shape, rows = HnswShape(links=8, construction=40, search=40), [{"reply": str(at)} for at in range(600)]
    exact, graph = (Bank(build(vectors, limit, shape), rows) for limit in (600, 10))
    query = vectors[:1]
    reached = [row["reply"] for row, _ in graph.nearest(query, 599)[0]]
    assert len(reached) == len(set(reached)) < 599
    for bank in (exact, graph):
        for k in (599, 600):
            found = bank.nearest(query, k, exact=True)[0]
            assert len({row["reply"] for row, _ in found}) == k
            assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)
    assert len(graph.nearest(query, 600)[0]) == 600


def test_nothing_to_index_is_an_error() -> None:
    with pytest.raises(AttuneError, match="the train split has no rows"):
        build(np.zeros((0, 16), np.float32), 10, HnswShape(16, 100, 100))


@pytest.mark.fault("an index beside rows of another number", "refused")
def test_a_missing_or_mismatched_bank_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"index\.faiss is missing; run `dvc repro index`"):
        Bank.load(tmp_path)
    faiss.write_index(build(unit(30), 100, HnswShape(16, 100, 100)), str(tmp_path / "index.faiss"))
    write_parquet(tmp_path / "rows.parquet", [{"id": "a"}], pa.schema([("id", pa.string())]))
    with pytest.raises(AttuneError, match="holds 30 vectors for 1 rows"):
        Bank.load(tmp_path)


@pytest.mark.parametrize("name", ["index.faiss", "rows.parquet"])
@pytest.mark.parametrize("content", [POINTER, "", None])
@pytest.mark.fault("an index's damaged {name}", "the file is named")
def test_a_damaged_bank_is_named(tmp_path: Path, name: str, content: str | None) -> None:
    """content: what stands in the file's place; None: its first half."""
    faiss.write_index(build(unit(1), 100, HnswShape(16, 100, 100)), str(tmp_path / "index.faiss"))
    write_parquet(tmp_path / "rows.parquet", [{"id": "a"}], pa.schema([("id", pa.string())]))
    assert len(Bank.load(tmp_path).rows) == 1
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content.encode())
    with pytest.raises(AttuneError, match=rf"{re.escape(name)} is not a complete (index|parquet file)") as raised:
        Bank.load(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_bank_gives_its_vectors_and_each_is_nearest_to_itself() -> None:
    vectors = unit(20)
    bank = Bank(build(vectors, 100, HnswShape(16, 100, 100)), [{"id": str(number)} for number in range(20)])
    assert np.array_equal(bank.vectors(), vectors)
    assert [near[0][0]["id"] for near in bank.nearest(vectors, 50)] == [str(number) for number in range(20)]
    assert {len(near) for near in bank.nearest(vectors, 50)} == {20}


def test_entries_are_searched_by_response_or_by_what_is_answered() -> None:
    exchange = {"conv_id": "c", "turn": 3, "situation": "I won.", "input": "Great day!", "target": "Well done."}
    assert entries([{"id": "a", "response": "oh no"}, exchange]) == [
        {"id": "a", "text": "oh no", "reply": "oh no"},
        {"id": "c#3", "text": "Great day!", "reply": "Well done."},
    ]
