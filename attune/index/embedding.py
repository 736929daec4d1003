"""Sentence embeddings: unit vectors whose dot product is the cosine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attune.core.errors import AttuneError


def load_embedder(folder: Path) -> Any:
    """The sentence encoder in a model folder.

    Raises
    ------
    AttuneError
        if there is no such folder.
    """
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(find_embedder(folder)), local_files_only=True)


def find_embedder(folder: Path) -> Path:
    """The same folder; raises as `load_embedder`."""
    if not folder.is_dir():
        raise AttuneError(f"{folder} is missing; run `dvc repro base_embedder`")
    return folder


def embed(encoder: Any, texts: Sequence[str], batch_size: int) -> np.ndarray:
    """(len(texts), d) float32 of unit length; each distinct text is encoded once.

    The last bits depend on `batch_size`, which decides the padding, but not on the order of `texts`.
    """
    return embed_by(lambda batches: (encode(encoder, batch) for batch in batches), texts, batch_size)


def embed_by(
    run: Callable[[Iterator[list[str]]], Iterable[np.ndarray]], texts: Sequence[str], batch_size: int
) -> np.ndarray:
    """As `embed`, by `run`, which gives the vectors of each batch of texts, in the order of the batches."""
    distinct = sorted(set(texts))
    # Texts of similar length are encoded together, which saves padding. Not stable, as sentence-transformers itself is
    # not: which of the texts of one length meet in a batch shows in the last bits.
    order = np.argsort([-len(text) for text in distinct])
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    vectors = np.zeros((0, 0), np.float32)
    for part, encoded in zip(parts, run([distinct[row] for row in part] for part in parts), strict=True):
        if not len(vectors):
            vectors = np.empty((len(distinct), encoded.shape[1]), np.float32)
        vectors[part] = encoded
    position = {text: row for row, text in enumerate(distinct)}
    return vectors[[position[text] for text in texts]]


def encode(encoder: Any, batch: list[str]) -> np.ndarray:
    """(len(batch), d) float32 of unit length, of texts that are encoded at once."""
    return encoder.encode(
        batch, batch_size=len(batch), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=None
    )
