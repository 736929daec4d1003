"""Find the true response in the bank of all test replies: by the sentence index, then in CoBERT's order.

`python -m studies.retrieve processed=FOLDER models=FOLDER embedder=FOLDER scores=JSON`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json
from stages import start


def main(*, processed: Path, models: Path, embedder: Path, scores: Path) -> None:
    from attune.evaluation.ranking.retrieval import evaluate_retrieval
    from attune.index.bank import Bank, HnswShape, build
    from attune.index.embedding import embed, load_embedder
    from attune.inference.ranker import Ranker
    from attune.inference.retriever import Retriever

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options, index = settings.retrieval, settings.index
    subset = settings.cobert.subsets[0]
    encoder = load_embedder(embedder)
    shape = HnswShape.of(index)
    by_domain = {}
    for domain in settings.cobert.domains:
        replies = {row["response"] for row in read_parquet(processed / "candidates" / f"{domain}.parquet")}
        held = [{"reply": reply} for reply in sorted(replies)]
        vectors = embed(encoder, [each["reply"] for each in held], index.batch_size, "document")
        bank = Bank(build(vectors, index.exact_up_to, shape), held)
        ranker = Ranker.from_pretrained(models / f"{options.recipe}-{subset}-{domain}")
        retriever = Retriever(ranker, encoder, bank, options.shortlist)
        rows = read_parquet(processed / "evaluate" / subset / f"{domain}.parquet")
        by_domain[domain] = evaluate_retrieval(retriever, rows, settings.seed)
        print(f"{domain}: " + ", ".join(f"{name} {value}" for name, value in by_domain[domain].items()), flush=True)
    write_json(scores, by_domain)


if __name__ == "__main__":
    start(main)
