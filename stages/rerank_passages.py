"""Put the test rows' passages in the order in which a CoBERT finds their replies apt from someone with `rag.persona`.

`python -m stages.rerank_passages PASSAGES MODEL TARGET`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, whole_folder, write_parquet
from attune.index.passages import RAG
from stages import start


def main(passages: str, model: str, target: str) -> None:
    from attune.index.passages import reordered
    from attune.inference.ranker import saved
    from attune.inference.retriever import rerank

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    rows = read_parquet(Path(passages) / "test.parquet")
    cobert, inputs = saved(Path(model))
    found = rerank(
        cobert,
        inputs,
        [[*row["history"], row["input"]] for row in rows],
        [settings.rag.persona] * len(rows),
        [[passage["reply"] for passage in row["passages"]] for row in rows],
    )
    with whole_folder(Path(target)) as folder:
        given = [
            row | {"passages": reordered(row["passages"], scores)} for row, scores in zip(rows, found, strict=True)
        ]
        write_parquet(folder / "test.parquet", given, RAG)
    print(f"{target}: {len(rows)} test rows, by {Path(model).name}")


if __name__ == "__main__":
    start(main)
