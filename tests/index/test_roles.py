"""An encoder that reads queries otherwise than documents, as E5 does."""

from pathlib import Path

import numpy as np
import pytest

from attune.evaluation.ranking.baselines import cosine
from attune.index import encoding
from attune.index.bank import Bank, HnswShape, build
from attune.index.embedding import embed, load_embedder
from attune.inference.passages import PassageRetriever
from attune.inference.retriever import query
from attune.sources.packages import minilm_folder

SAID = ["my dog died", "i passed the exam", "it rains"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM with prompts, which are no part of what is read as neither."""
    encoder = load_embedder(minilm_folder())
    encoder.prompts = {"query": "query: ", "passage": "passage: "}
    place = tmp_path_factory.mktemp("roles")
    encoder.save(str(place))
    return place


def vectors(prompt: str) -> np.ndarray:
    """Of SAID with the prompt before each, read without prompts."""
    return embed(load_embedder(minilm_folder()), [f"{prompt}{text}" for text in SAID], 1)


def test_what_is_indexed_is_a_document(folder: Path) -> None:
    indexed = encoding.embed("local", folder, "torch", SAID, 1, seed=1, threads=1)
    assert np.allclose(indexed, vectors("passage: "), atol=1e-5)


def test_the_baseline_asks_queries_of_documents(folder: Path) -> None:
    cosines = cosine(SAID, load_embedder(folder), 1)(SAID)
    assert np.allclose(cosines, vectors("query: ") @ vectors("passage: ").T, atol=1e-5)


def test_what_is_searched_for_is_a_query(folder: Path) -> None:
    encoder, documents, queries = load_embedder(folder), vectors("passage: "), vectors("query: ")
    assert not np.allclose(queries, vectors("passage: "), atol=1e-2)
    assert np.allclose([query(encoder, [text], [], 0)[0] for text in SAID], queries, atol=1e-5)
    rows = [{"id": f"c{at}#1", "conversation": f"c{at}", "input": text} for at, text in enumerate(SAID)]
    retriever = PassageRetriever(encoder, Bank(build(documents, 100, HnswShape(8, 8, 8)), rows), 1)
    cosines = queries @ documents.T
    found = zip(retriever.nearest(SAID, 3), retriever.nearest_to_indexed(2), strict=True)
    for at, (every, others) in enumerate(found):
        assert {each["id"]: each["score"] for each in every} == pytest.approx(
            {f"c{other}#1": cosines[at, other] for other in range(3)}, abs=1e-5
        )
        assert [each for each in every if each["id"] != f"c{at}#1"] == others
