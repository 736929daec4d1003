"""Retrieve, for each reply of a corpus, the train exchanges that are similar to what it answers.

`python -m stages.retrieve_passages corpus=NAME processed=FOLDER index=FOLDER embedder=FOLDER target=FOLDER`

Train rows get `rag.k` passages, the evaluated test rows `rag.shortlist`, of which generators read the first `rag.k`.
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import atomic_folder, read_parquet, write_parquet
from attune.corpora import passages_corpus
from stages import start

Rows = list[dict[str, Any]]


def main(*, corpus: str, processed: Path, index: Path, embedder: Path, target: Path) -> None:
    from attune.index.embedding import load_embedder
    from attune.index.passages import with_passages
    from attune.inference.passages import PassageRetriever

    settings, record = parameters.load(), passages_corpus(corpus)
    pin(settings.seed, settings.threads)
    options, train_file = settings.rag, processed / record.train_rows
    encoder = load_embedder(embedder)
    retriever = PassageRetriever.from_index(index, train_file, encoder, options.template, settings.index.batch_size)
    train = read_parquet(train_file)
    test = evaluated(read_parquet(processed / "test.parquet"), settings)
    queries = [row["input"] for row in test]
    passages = {
        "train": (train, retriever.nearest_to_indexed(options.k)),
        "test": (test, retriever.nearest(queries, options.shortlist)),
    }
    with atomic_folder(target) as folder:
        for split, (rows, retrieved) in passages.items():
            complete = [row | {"passages": each} for row, each in zip(rows, retrieved, strict=True)]
            write_parquet(folder / f"{split}.parquet", complete, with_passages(record.schemas.rows))
    print(f"{corpus}: passages for {len(train)} train and {len(test)} test rows")


def evaluated(rows: Rows, settings: parameters.Parameters) -> Rows:
    """The test rows that generators are evaluated on."""
    from attune.generators.held_out import sample
    from attune.generators.prompts import examples

    all_examples = examples(rows)
    chosen = {each.id for each in sample(all_examples, settings.generation.perplexity_examples, settings.seed)}
    return [row for row, example in zip(rows, all_examples, strict=True) if example.id in chosen]


if __name__ == "__main__":
    start(main)
