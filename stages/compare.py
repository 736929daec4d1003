"""Every way to match on the same test contexts: by words, by sentence embeddings, and trained.

`python -m stages.compare ENCODER_RANKS PROCESSED EMBEDDER MODELS METRICS TESTS ROWS`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json, write_parquet
from attune.evaluation.ranking import summary as tables
from attune.evaluation.ranking.baselines import METHODS, cosines, lexical
from attune.evaluation.schemas import RANKED
from stages import start


def main(ranks: str, processed: str, embedder: str, models: str, metrics: str, tests: str, rows: str) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset = settings.cobert.subsets[0]
    there = read_parquet(Path(ranks))
    ranked: dict[str, dict[str, tables.Rows]] = {}
    for domain in settings.cobert.domains:
        ranked[domain] = rank(settings, subset, domain, Path(processed), Path(embedder), Path(models))
        for name in ("untrained", *settings.cobert.recipes):
            ranked[domain][name] = tables.of_model(there, subset, domain, name)
    values = tables.values_of(ranked)
    trained, others = settings.cobert.recipes, [*METHODS, *settings.compare.recipes]
    write_json(Path(metrics), tables.intervals(values, settings.seed))
    pairs = [(other, recipe) for recipe in trained for other in others]
    write_json(Path(tests), tables.tests(values, pairs, settings.seed))
    write_parquet(Path(rows), tables.flat(ranked, subset=subset), RANKED)


def rank(
    settings: parameters.Parameters, subset: str, domain: str, processed: Path, embedder: Path, models: Path
) -> dict[str, tables.Rows]:
    """The ranked test rows of a domain by method."""
    from attune.evaluation.ranking.evaluate import test_set
    from attune.index.embedding import load_embedder
    from attune.inference.ranker import saved

    test = test_set(processed, subset, domain, settings.cobert, settings.seed)
    ranked = lexical(test.contexts, test.candidates)
    ranked |= cosines(load_embedder(embedder), test.contexts, test.candidates, settings.index.batch_size)
    for name in settings.compare.recipes:
        ranked[name] = test.rank(*saved(models / f"{name}-{subset}-{domain}"))
    for name, rows in ranked.items():
        print(f"{domain} {name}: {tables.said(rows)}", flush=True)
    return ranked


if __name__ == "__main__":
    start(main)
