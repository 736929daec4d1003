"""Rank the test contexts' candidates with every trained CoBERT and with the untrained encoder.

`python -m stages.evaluate_cobert recipes=PATH encoder=PATH processed=PATH models=PATH scores=PATH intervals=PATH
tests=PATH rows=PATH`

scores, intervals: JSON by subset, domain and model; tests: the paired tests; rows: one per model and test context.
"""

from itertools import combinations
from pathlib import Path

import pandas as pd

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_json, write_json, write_parquet
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.schemas import RANKED
from attune.evaluation.tables import nested
from stages import start


def main(
    *,
    recipes: Path,
    encoder: Path,
    processed: Path,
    models: Path,
    scores: Path,
    intervals: Path,
    tests: Path,
    rows: Path,
) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    pairs = list(combinations([summary.UNTRAINED, *settings.cobert.recipes], 2))
    tables, compared, ranked = [], [], []
    for subset in settings.cobert.subsets:
        of_subset: summary.Rows = []
        for domain in settings.cobert.domains:
            of_subset += rank(settings, subset, domain, recipes, encoder, processed, models)
        values = summary.values_of(of_subset)
        tables.append(summary.scores(values, settings.seed).assign(subset=subset))
        compared += summary.labelled(summary.comparisons(values, pairs, settings.seed, "recipes"), subset=subset)
        ranked += of_subset
    table, keys = pd.concat(tables), ["subset", "domain", "model"]
    write_json(scores, nested(table[table.domain != summary.MEAN], keys, intervals=False))
    write_json(intervals, nested(table, keys))
    write_json(tests, corrected(compared))
    write_parquet(rows, ranked, RANKED)


def rank(
    settings: parameters.Parameters,
    subset: str,
    domain: str,
    recipes: Path,
    encoder: Path,
    processed: Path,
    models: Path,
) -> summary.Rows:
    """The ranked test rows of a subset and domain: of the untrained encoder, then of each recipe's model."""
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    options = settings.cobert
    first = read_json(recipes / f"{options.recipes[0]}.json")
    test = RankingTest.load(processed, subset, domain, options, settings.seed)
    ranked = {summary.UNTRAINED: test.rank(Ranker.untrained(encoder, first))}
    for name in options.recipes:
        ranked[name] = test.rank(Ranker.from_pretrained(models / f"{name}-{subset}-{domain}", encoder))
    for name, rows in ranked.items():
        print(f"{subset} {domain} {name}: {summary.log_line(rows)}", flush=True)
    return [
        row for name, rows in ranked.items() for row in summary.labelled(rows, model=name, subset=subset, domain=domain)
    ]


if __name__ == "__main__":
    start(main)
