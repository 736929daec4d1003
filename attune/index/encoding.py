"""Sentence embeddings by an engine, in this process or on a cluster."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from attune.core.determinism import pin
from attune.engines.job import Job, Work
from attune.engines.running import map_batches
from attune.index.embedding import checked_folder, embed_by, encode, load_embedder


def embed(
    engine: str, folder: Path, backend: str, texts: Sequence[str], batch_size: int, seed: int, threads: int
) -> np.ndarray:
    """As `attune.index.embedding.embed` of documents, by the encoder in `folder`; the same bytes from every engine.

    backend: as for `load_embedder`.

    Raises
    ------
    AttuneError
        for a missing folder, and as `map_batches` does.
    """
    settings = {"backend": backend, "seed": seed, "threads": threads}
    job = Job(encoding, settings, checked_folder(folder), threads)

    def run(batches: Iterator[list[str]]) -> Iterator[np.ndarray]:
        for table in map_batches(engine, job, (pa.table({"text": batch}) for batch in batches)):
            column = table["embedding"].combine_chunks()
            yield column.flatten().to_numpy().reshape(len(column), -1)

    return embed_by(run, texts, batch_size)


def encoding(folder: Path, backend: str, seed: int, threads: int) -> Work:
    """The job of an engine: a batch with the column `text` becomes one with the column `embedding`."""
    pin(seed, threads)
    encoder = load_embedder(folder, backend)

    def work(batch: pa.Table) -> pa.Table:
        vectors = encode(encoder, batch["text"].to_pylist(), "document")
        return pa.table({"embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])})

    return work
