"""Embed a corpus' train rows and index them.

`python -m stages.index corpus=NAME processed=FOLDER embedder=FOLDER target=FOLDER`
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, read_parquet, write_parquet
from attune.corpora import CORPORA
from attune.corpora import corpus as record_of
from attune.corpora.base import arrow_schema
from stages import start

COLUMNS = {"id": "string", "text": "string", "reply": "string"}


def main(*, corpus: str, processed: Path, embedder: Path, target: Path) -> None:
    import faiss

    from attune.core.determinism import pin
    from attune.index.bank import HnswShape, build, entries
    from attune.index.embedding import embed, load_embedder

    settings, record = parameters.load(), record_of(corpus)
    if not record.indexed:
        indexed = ", ".join(each.name for each in CORPORA.values() if each.indexed)
        raise AttuneError(f"{corpus} is not indexed; {indexed} are")
    pin(settings.seed, settings.threads)
    options = settings.index
    rows = entries(read_parquet(processed / record.train_rows))
    vectors = embed(load_embedder(embedder, options.backend), [row["text"] for row in rows], options.batch_size)
    shape = HnswShape(options.hnsw_links, options.hnsw_construction, options.hnsw_search)
    with atomic_folder(target) as folder:
        faiss.write_index(build(vectors, options.exact_up_to, shape), str(folder / "index.faiss"))
        write_parquet(folder / "rows.parquet", rows, arrow_schema(COLUMNS))
        _write_embeddings(folder / "embeddings.parquet", [row["id"] for row in rows], vectors)
    print(f"{corpus}: {len(rows)} rows indexed")


def _write_embeddings(path: Path, ids: list[str], vectors: Any) -> None:
    import pyarrow as pa

    rows = [{"id": name, "embedding": vector.tolist()} for name, vector in zip(ids, vectors, strict=True)]
    write_parquet(path, rows, pa.schema([("id", pa.string()), ("embedding", pa.list_(pa.float32()))]))


if __name__ == "__main__":
    start(main)
