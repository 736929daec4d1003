"""Find the right reply in the whole bank of test replies.

`python -m stages.retrieve PROCESSED MODELS EMBEDDER METRICS`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json
from stages import start


def main(processed: str, models: str, embedder: str, metrics: str) -> None:
    from attune.evaluation.ranking.retrieval import in_the_bank
    from attune.index.bank import Bank, HnswShape, build
    from attune.index.embedding import embed, load_embedder
    from attune.inference.ranker import saved
    from attune.inference.retriever import Retriever

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options, index = settings.retrieval, settings.index
    subset = settings.cobert.subsets[0]
    encoder = load_embedder(Path(embedder))
    shape = HnswShape(index.hnsw_links, index.hnsw_construction, index.hnsw_search)
    found = {}
    for domain in settings.cobert.domains:
        replies = {row["response"] for row in read_parquet(Path(processed) / "candidates" / f"{domain}.parquet")}
        rows = [{"reply": reply} for reply in sorted(replies)]
        vectors = embed(encoder, [row["reply"] for row in rows], index.batch_size)
        bank = Bank(build(vectors, index.exact_up_to, shape), rows)
        model, inputs = saved(Path(models) / f"{options.recipe}-{subset}-{domain}")
        retriever = Retriever(model, inputs, encoder, bank, options.shortlist)
        found[domain] = in_the_bank(retriever, read_parquet(Path(processed) / subset / domain / "test.parquet"))
        print(f"{domain}: " + ", ".join(f"{name} {value}" for name, value in found[domain].items()), flush=True)
    write_json(Path(metrics), found)


if __name__ == "__main__":
    start(main)
