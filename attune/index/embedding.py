"""Sentence embeddings: unit vectors whose dot product is the cosine."""

from collections.abc import Sequence
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

    if not folder.is_dir():
        raise AttuneError(f"{folder} is missing; run `dvc repro base_embedder`")
    return SentenceTransformer(str(folder), local_files_only=True)


def embed(encoder: Any, texts: Sequence[str], batch_size: int) -> np.ndarray:
    """(len(texts), d) float32 of unit length; each distinct text is encoded once.

    The last bits depend on `batch_size`, which decides the padding, but not on the order of `texts`.
    """
    distinct = sorted(set(texts))
    vectors = encoder.encode(
        distinct,
        batch_size=batch_size,
        normalize_embeddings=True,
        convert_to_numpy=True,
        show_progress_bar=None,
    )
    position = {text: row for row, text in enumerate(distinct)}
    return np.ascontiguousarray(vectors[[position[text] for text in texts]], dtype=np.float32)
