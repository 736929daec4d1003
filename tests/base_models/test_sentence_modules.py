"""Sentence encoders of every module that works, through the check, the copy and the embedding; others are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    CNN,
    LSTM,
    BoW,
    Dense,
    Dropout,
    LayerNorm,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
    WeightedLayerPooling,
    WordEmbeddings,
    WordWeights,
)
from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

from attune.base_models.fetching import fetch
from attune.core.errors import AttuneError
from attune.index.embedding import embed, load_embedder
from tests.cobert.tiny import encoder

WORDS = ["PADDING_TOKEN", "my", "dog", "cat", "sleeps"]
TEXTS = ["my dog", "my cat sleeps", "a [SEP] \U0001f600 that nobody knows"]
WIDTH = 6


def words() -> WordEmbeddings:
    rows = torch.arange(len(WORDS) * WIDTH, dtype=torch.float32).reshape(len(WORDS), WIDTH).sin()
    return WordEmbeddings(WhitespaceTokenizer(WORDS), rows)


def static(transformer: Transformer) -> StaticEmbedding:
    return StaticEmbedding(transformer.tokenizer, embedding_dim=WIDTH)


# By name: the modules, given a transformer and its width.
WORKING: dict[str, Callable[[Transformer, int], list[Any]]] = {
    "Dense": lambda t, d: [t, Pooling(d), Dense(d, WIDTH), LayerNorm(WIDTH), Dropout(0.1), Normalize()],
    "Dense on tokens": lambda t, d: [t, Dense(d, WIDTH, module_input_name="token_embeddings"), Pooling(WIDTH)],
    "WeightedLayerPooling": lambda t, d: [t, WeightedLayerPooling(d, 1, 0), Pooling(d)],
    "StaticEmbedding": lambda t, _: [static(t)],
    "WordEmbeddings": lambda *_: [words(), WordWeights(WORDS, {"dog": 2.0}), Pooling(WIDTH)],
    "LSTM": lambda *_: [words(), LSTM(WIDTH, 3), Pooling(6)],
    "CNN": lambda *_: [words(), CNN(WIDTH, 2), Pooling(6)],
    "BoW": lambda *_: [BoW(WORDS, {"dog": 2.0})],
}


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize("modules", WORKING.values(), ids=WORKING)
def test_an_encoder_of_any_known_modules_embeds_after_it_was_taken(
    modules: Callable[[Transformer, int], list[Any]], backend: str, tmp_path: Path
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    torch.manual_seed(1)
    transformer = Transformer(str(encoder(tmp_path / "bert")))
    built = SentenceTransformer(modules=modules(transformer, transformer.get_embedding_dimension()), device="cpu")
    built.save(str(tmp_path / "m"))
    fetch(str(tmp_path / "m"), tmp_path / "taken", "embedder")
    vectors = embed(load_embedder(tmp_path / "taken", backend), TEXTS, 8)
    expected = built.encode(TEXTS[:2], normalize_embeddings=True)
    assert np.allclose(vectors[:2], expected, atol=1e-4)
    assert np.isfinite(vectors).all()


@pytest.mark.fault("a text of which a sentence encoder gives no numbers", "the text is named")
def test_a_text_without_a_vector_is_named(tmp_path: Path) -> None:
    modules = [words(), LSTM(WIDTH, 3), Pooling(6, pooling_mode="max")]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path))
    with pytest.raises(AttuneError, match=r"gives no vector for 'nobody knows'; use another as index\.embedder"):
        embed(load_embedder(tmp_path), ["my dog", "nobody knows"], 8)


REFUSED: dict[str, tuple[list[tuple[str, str]], str]] = {
    "sparse": ([("", "Transformer"), ("1_Splade", "SpladePooling")], "names the module SpladePooling, which"),
    "no pooling": ([("", "Transformer")], "its modules give no vector of the whole text"),
    "pooled twice": (
        [("", "Transformer"), ("1_P", "Pooling"), ("2_P", "Pooling")],
        "the Pooling needs a vector of each",
    ),
    "tokens after the text": (
        [("", "Transformer"), ("1_P", "Pooling"), ("2_L", "LSTM")],
        "the LSTM needs a vector of each token, which no module before it gives",
    ),
    "nothing to begin with": ([("1_P", "Pooling")], "the Pooling needs a vector of each token"),
}


@pytest.mark.parametrize(("modules", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.fault("a sentence encoder of modules that give no vector: {}", "refused when it is taken")
def test_modules_that_give_no_vector_are_refused_when_the_model_is_taken(
    modules: list[tuple[str, str]], message: str, tmp_path: Path
) -> None:
    folder = encoder(tmp_path / "m")
    for name, _ in modules:
        (folder / name).mkdir(exist_ok=True)
        if name:
            (folder / name / "config.json").write_text("{}")
            (folder / name / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    kinds = [{"path": name, "type": f"sentence_transformers.models.{kind}"} for name, kind in modules]
    (folder / "modules.json").write_text(json.dumps(kinds))
    with pytest.raises(AttuneError, match=message):
        fetch(str(folder), tmp_path / "taken", "embedder")
    assert not (tmp_path / "taken").exists()
