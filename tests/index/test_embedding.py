import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.index.embedding import embed, embed_by, load_embedder
from attune.sources.packages import minilm_folder


def test_a_repeated_text_and_another_order_change_nothing() -> None:
    encoder = load_embedder(minilm_folder())
    first = embed(encoder, ["a dog", "a cat", "a dog"], 8)
    second = embed(encoder, ["a cat", "a dog"], 8)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[:2], second[::-1])


def test_a_missing_encoder_names_the_stage_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"embedder is missing; run `dvc repro base_embedder`"):
        load_embedder(tmp_path / "embedder")


def test_batches_are_of_texts_of_similar_length_and_each_vector_returns_to_its_text() -> None:
    texts = ["ccc", "a", "bb", "dddd", "a"]
    batches: list[list[str]] = []

    def lengths(parts: Iterator[list[str]]) -> Iterator[np.ndarray]:
        for part in parts:
            batches.append(part)
            yield np.array([[len(text), 0] for text in part], np.float32)

    assert embed_by(lengths, texts, 3)[:, 0].tolist() == [3, 1, 2, 4, 1]
    assert batches == [["dddd", "ccc", "bb"], ["a"]]
    assert len(embed_by(lengths, [], 3)) == 0


def test_openvino_gives_the_vectors_of_torch() -> None:
    """Of unequal lengths, more than OpenVINO encodes together, and one longer than the encoder reads."""
    pytest.importorskip("openvino")
    texts = [f"{'very ' * (number % 7)}cold day {number} !" for number in range(40)] + ["long " * 600, "a"]
    expected = embed(load_embedder(minilm_folder()), texts, 64)
    encoder = load_embedder(minilm_folder(), "openvino")
    vectors = embed(encoder, texts, 64)
    assert (vectors * expected).sum(1).min() > 0.999
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(embed(encoder, texts, 64), vectors)


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails
    with pytest.raises(AttuneError, match=r"index\.backend = 'openvino' needs the package openvino, .*make setup"):
        load_embedder(minilm_folder(), "openvino")
