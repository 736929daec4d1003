"""Embed a corpus' train rows and index them.

`python -m stages.index corpus=NAME processed=FOLDER embedder=FOLDER target=FOLDER`
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.base_models.checking import model_folders
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import AT_ONCE, atomic_folder, stream_parquet, write_parquet, write_tables
from attune.core.tokenizer import read_tokenizer
from attune.core.tokens import too_many_unknown
from attune.corpora import CORPORA, record_of
from attune.corpora.base import arrow_schema
from stages import start

COLUMNS = {"id": "string", "text": "string", "reply": "string"}


def main(*, corpus: str, processed: Path, embedder: Path, target: Path) -> None:
    import faiss

    from attune.index.bank import HnswShape, build, entries
    from attune.index.encoding import embed

    settings, record = parameters.load(), record_of(corpus)
    if not record.indexed:
        indexed = ", ".join(each.name for each in CORPORA.values() if each.indexed)
        raise AttuneError(f"{corpus} is not indexed; {indexed} are")
    pin(settings.seed, settings.threads)
    options = settings.index
    rows = entries(stream_parquet(processed / record.train_rows))
    texts, size = [row["text"] for row in rows], options.batch_size
    _say_unknown(embedder, texts)
    vectors = embed(settings.engine, embedder, options.backend, texts, size, settings.seed, settings.threads)
    with atomic_folder(target) as folder:
        faiss.write_index(build(vectors, options.exact_up_to, HnswShape.of(options)), str(folder / "index.faiss"))
        write_parquet(folder / "rows.parquet", rows, arrow_schema(COLUMNS))
        _write_embeddings(folder / "embeddings.parquet", [row["id"] for row in rows], vectors)
    print(f"{corpus}: {len(rows)} rows indexed")


def _say_unknown(embedder: Path, texts: list[str]) -> None:
    """Print a warning where the sentence encoder knows too few words of the texts."""
    from attune.index.embedding import checked_folder

    # One that routes queries and documents has several transformers, another of words' vectors none.
    tokenizers = map(read_tokenizer, model_folders(checked_folder(embedder), "embedder"))
    warnings = (too_many_unknown(each, texts, embedder, "index.embedder") for each in tokenizers)
    if warning := next(filter(None, warnings), ""):
        print(warning)


def _write_embeddings(path: Path, ids: list[str], vectors: Any) -> None:
    import numpy as np
    import pyarrow as pa

    schema = pa.schema([("id", pa.string()), ("embedding", pa.list_(pa.float32()))])

    def table(start: int) -> pa.Table:
        part = vectors[start : start + AT_ONCE]
        ends = np.arange(len(part) + 1, dtype=np.int32) * vectors.shape[1]
        columns = [pa.array(ids[start : start + AT_ONCE]), pa.ListArray.from_arrays(ends, part.ravel())]
        return pa.Table.from_arrays(columns, schema=schema)

    write_tables(path, map(table, range(0, len(ids), AT_ONCE)), schema)


if __name__ == "__main__":
    start(main)
