from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import schemas
from attune.index.bank import Bank, HnswShape, build
from attune.index.embedding import embed, load_embedder
from stages import base_models, index
from tests.project import changed


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real sentence encoder and thirty processed replies."""
    folder = tmp_path_factory.mktemp("index")
    changed(folder)
    topics = ("my dog died", "i passed the exam", "the train was late")
    rows = [
        {
            "conv_id": f"c{number}", "turn": 1, "context": "sad", "situation": f"{topics[number % 3]} on day {number}.",
            "history": [], "input": "what a day", "target": f"reply {number}",
        }
        for number in range(30)
    ]  # fmt: skip
    write_parquet(folder / "processed" / "train.parquet", rows, schemas.REPLIES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        base_models.main("embedder", "embedder")
        index.main("empathetic_dialogues", "processed", "embedder", "index")
    return folder


def test_a_row_is_found_by_its_own_text_and_its_topic(project: Path) -> None:
    bank = Bank.load(project / "index")
    assert len(bank.rows) == 30
    queries = embed(
        load_embedder(project / "embedder"), ["my dog died on day 3. what a day", "our poor puppy is gone"], 8
    )
    own, near = bank.nearest(queries, 5)
    assert own[0][0] == {"id": "c3#1", "text": "my dog died on day 3. what a day", "reply": "reply 3"}
    assert own[0][1] == pytest.approx(1, abs=1e-5)
    assert [score for _, score in own] == sorted((score for _, score in own), reverse=True)
    assert all("dog" in row["text"] for row, _ in near)


def test_embeddings_are_saved_by_id_and_of_unit_length(project: Path) -> None:
    rows = read_parquet(project / "index" / "embeddings.parquet")
    assert [row["id"] for row in rows[:2]] == ["c0#1", "c1#1"]
    vectors = np.array([row["embedding"] for row in rows])
    assert vectors.shape == (30, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(30), abs=1e-5)


def test_a_repeated_text_and_another_order_change_nothing(project: Path) -> None:
    first = embed(load_embedder(project / "embedder"), ["a dog", "a cat", "a dog"], 8)
    second = embed(load_embedder(project / "embedder"), ["a cat", "a dog"], 8)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[:2], second[::-1])


def unit(count: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_above_the_size_it_is_a_graph_that_finds_nearly_the_same() -> None:
    vectors, shape = unit(500), HnswShape(links=16, construction=100, search=100)
    exact, graph = build(vectors, 500, shape), build(vectors, 499, shape)
    assert type(exact).__name__ == "IndexFlatIP"
    assert type(graph).__name__ == "IndexHNSWFlat"
    right, found = exact.search(vectors[:50], 5)[1], graph.search(vectors[:50], 5)[1]
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(right, found, strict=True)]) > 0.95
    again = build(vectors, 499, shape).search(vectors[:50], 5)
    assert np.array_equal(again[1], found)


def test_nothing_to_index_is_said() -> None:
    with pytest.raises(AttuneError, match="the train split has no rows"):
        build(np.zeros((0, 16), np.float32), 10, HnswShape(16, 100, 100))


def test_a_missing_or_mismatched_bank_is_said(project: Path, tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"index\.faiss is missing; run `dvc repro index`"):
        Bank.load(tmp_path)
    import shutil

    import pyarrow as pa

    shutil.copy(project / "index" / "index.faiss", tmp_path)
    write_parquet(tmp_path / "rows.parquet", [{"id": "a"}], pa.schema([("id", pa.string())]))
    with pytest.raises(AttuneError, match="holds 30 vectors for 1 rows"):
        Bank.load(tmp_path)
