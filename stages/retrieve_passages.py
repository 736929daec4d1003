"""Find the train exchanges that a reply's row is like.

`python -m stages.retrieve_passages PROCESSED INDEX EMBEDDER TARGET`

Train rows get `rag.k` passages, the test rows that are evaluated `rag.shortlist`, of which the first `rag.k` are read.
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, whole_folder, write_parquet
from attune.index.passages import RAG
from stages import start


def main(processed: str, index: str, embedder: str, target: str) -> None:
    from attune.index.bank import Bank
    from attune.index.embedding import embed, load_embedder
    from attune.index.passages import about, nearest_conversations, of_index

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options = settings.rag
    train, test = (read_parquet(Path(processed) / f"{split}.parquet") for split in ("train", "test"))
    test = evaluated(test, settings)
    bank = of_index(Bank.load(Path(index)), train, options.template, Path(processed) / "train.parquet")
    vectors = embed(load_embedder(Path(embedder)), [about(row) for row in test], settings.index.batch_size)
    queries = {
        "train": (train, bank.index.reconstruct_n(0, len(train)), options.k),
        "test": (test, vectors, options.shortlist),
    }
    with whole_folder(Path(target)) as folder:
        for split, (rows, vectors, count) in queries.items():
            found = nearest_conversations(bank, vectors, [row["conv_id"] for row in rows], count)
            given = [row | {"passages": passages} for row, passages in zip(rows, found, strict=True)]
            write_parquet(folder / f"{split}.parquet", given, RAG)
    print(f"{target}: passages for {len(train)} train and {len(test)} test rows")


def evaluated(rows: list[dict[str, Any]], settings: parameters.Parameters) -> list[dict[str, Any]]:
    """The test rows that the generators are evaluated on."""
    from attune.generators.held_out import sample
    from attune.generators.prompts import examples

    given = examples(rows)
    names = {each.id for each in sample(given, settings.generation.perplexity_examples, settings.seed)}
    return [row for row, example in zip(rows, given, strict=True) if example.id in names]


if __name__ == "__main__":
    start(main)
