"""Embed a train split and index it: `python -m stages.index CORPUS PROCESSED EMBEDDER TARGET`."""

from pathlib import Path

import pyarrow as pa

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, whole_folder, write_parquet
from attune.index.bank import HnswShape, build
from stages import start


def texts(corpus: str, processed: Path) -> list[dict[str, str]]:
    """What is found (`id`, `reply`) and by which `text`: PEC by the response, the other by situation and input."""
    if corpus == "pec":
        rows = read_parquet(processed / "large" / "all" / "train.parquet")
        return [{"id": row["id"], "text": row["response"], "reply": row["response"]} for row in rows]
    from attune.index.passages import about

    rows = read_parquet(processed / "train.parquet")
    return [
        {
            "id": f"{row['conv_id']}#{row['turn']}",
            "text": about(row),
            "reply": row["target"],
        }
        for row in rows
    ]


def main(corpus: str, processed: str, embedder: str, target: str) -> None:
    import faiss

    from attune.index.embedding import embed, load_embedder

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options = settings.index
    rows = texts(corpus, Path(processed))
    vectors = embed(load_embedder(Path(embedder)), [row["text"] for row in rows], options.batch_size)
    shape = HnswShape(options.hnsw_links, options.hnsw_construction, options.hnsw_search)
    with whole_folder(Path(target)) as folder:
        faiss.write_index(build(vectors, options.exact_up_to, shape), str(folder / "index.faiss"))
        found = pa.schema([(name, pa.string()) for name in ("id", "text", "reply")])
        write_parquet(folder / "rows.parquet", rows, found)
        embeddings = found.remove(2).remove(1).append(pa.field("embedding", pa.list_(pa.float32())))
        write_parquet(
            folder / "embeddings.parquet",
            [{"id": row["id"], "embedding": vector.tolist()} for row, vector in zip(rows, vectors, strict=True)],
            embeddings,
        )
    print(f"{corpus}: {len(rows)} rows indexed")


if __name__ == "__main__":
    start(main)
