"""Find, for each test reply that has passages, the train exchanges whose replies are most like it.

`python -m stages.oracle_passages corpus=NAME processed=FOLDER passages=FOLDER embedder=FOLDER target=FOLDER`

A retriever does not know the true reply; this one does, and shows what better retrieval could give.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import atomic_folder, read_parquet, write_parquet
from attune.corpora import passages_corpus
from stages import start


def main(*, corpus: str, processed: Path, passages: Path, embedder: Path, target: Path) -> None:
    from attune.evaluation.testing.oracle import most_like_targets
    from attune.index.embedding import load_embedder
    from attune.index.passages import with_passages

    settings, record = parameters.load(), passages_corpus(corpus)
    pin(settings.seed, settings.threads)
    test, train = read_parquet(passages / "test.parquet"), read_parquet(processed / record.train_rows)
    size, rag = settings.index.batch_size, settings.rag
    best = most_like_targets(test, train, rag.template, rag.k, load_embedder(embedder), size)
    complete = [row | {"passages": passages} for row, passages in zip(test, best, strict=True)]
    with atomic_folder(target) as folder:
        write_parquet(folder / "test.parquet", complete, with_passages(record.schemas.rows))
    print(f"{corpus}: the {rag.k} most similar of {len(train)} train replies for {len(test)} test rows")


if __name__ == "__main__":
    start(main)
