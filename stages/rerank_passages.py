"""Reorder the test rows' passages by how well CoBERT finds their replies suit `rag.persona`.

`python -m stages.rerank_passages passages=FOLDER model=FOLDER target=FOLDER`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import atomic_folder, read_parquet, write_parquet
from stages import start


def main(*, passages: Path, model: Path, target: Path) -> None:
    import pyarrow.parquet as pq

    from attune.inference.passages import reranked
    from attune.inference.ranker import Ranker

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    rows = read_parquet(passages / "test.parquet")
    contexts = [[*row["history"], row["input"]] for row in rows]
    passages_of, speakers = [row["passages"] for row in rows], [row.get("speakers") for row in rows]
    ordered = reranked(Ranker.from_pretrained(model), contexts, settings.rag.persona, passages_of, speakers)
    with atomic_folder(target) as folder:
        complete = [row | {"passages": each} for row, each in zip(rows, ordered, strict=True)]
        write_parquet(folder / "test.parquet", complete, pq.read_schema(passages / "test.parquet"))
    print(f"{target}: {len(rows)} test rows, reordered by {model.name}")


if __name__ == "__main__":
    start(main)
