"""Sentence embeddings: unit vectors whose dot product is the cosine."""

from pathlib import Path

import numpy as np


def embed(model: Path, texts: list[str], batch_size: int) -> np.ndarray:
    """(len(texts), dimension) float32 of unit length; each distinct text is encoded once.

    The last bits depend on `batch_size`, for it decides the padding, and not on the order of `texts`.
    """
    from sentence_transformers import SentenceTransformer

    distinct = sorted(set(texts))
    encoder = SentenceTransformer(str(model), local_files_only=True)
    vectors = encoder.encode(
        distinct,
        batch_size=batch_size,
        normalize_embeddings=True,
        convert_to_numpy=True,
        show_progress_bar=None,
    )
    place = {text: row for row, text in enumerate(distinct)}
    return np.ascontiguousarray(vectors[[place[text] for text in texts]], dtype=np.float32)
