"""Rank the test contexts' replies with every CoBERT, trained elsewhere, and with the untrained encoder.

`python -m stages.evaluate_cobert RECIPES ENCODER PROCESSED MODELS METRICS INTERVALS TESTS ROWS`
"""

from itertools import combinations
from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_json, write_json, write_parquet
from attune.evaluation.ranking import summary as tables
from attune.evaluation.schemas import RANKED
from stages import start


def main(
    recipes: str, encoder: str, processed: str, models: str, metrics: str, intervals: str, tests: str, rows: str
) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    names = ["untrained", *settings.cobert.recipes]
    scores, widths, differences, flat = {}, {}, {}, []
    for subset in settings.cobert.subsets:
        ranked: dict[str, dict[str, tables.Rows]] = {
            domain: rank(settings, subset, domain, Path(recipes), Path(encoder), Path(processed), Path(models))
            for domain in settings.cobert.domains
        }
        values = tables.values_of(ranked)
        widths[subset] = tables.intervals(values, settings.seed)
        scores[subset] = tables.plain(widths[subset])
        differences[subset] = tables.tests(values, combinations(names, 2), settings.seed)
        flat += tables.flat(ranked, subset=subset)
    write_json(Path(metrics), scores)
    write_json(Path(intervals), widths)
    write_json(Path(tests), differences)
    write_parquet(Path(rows), flat, RANKED)


def rank(
    settings: parameters.Parameters,
    subset: str,
    domain: str,
    recipes: Path,
    encoder: Path,
    processed: Path,
    models: Path,
) -> dict[str, tables.Rows]:
    """The ranked test rows of a subset and domain, by model."""
    from attune.evaluation.ranking.evaluate import test_set
    from attune.inference.ranker import saved, untrained

    options = settings.cobert
    first = read_json(recipes / f"{options.recipes[0]}.json")
    test = test_set(processed, subset, domain, options, settings.seed)
    ranked = {"untrained": test.rank(*untrained(encoder, first))}
    for name in options.recipes:
        ranked[name] = test.rank(*saved(models / f"{name}-{subset}-{domain}"))
    for name, rows in ranked.items():
        print(f"{subset} {domain} {name}: {tables.said(rows)}", flush=True)
    return ranked


if __name__ == "__main__":
    start(main)
