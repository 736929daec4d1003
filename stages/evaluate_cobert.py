"""Rank the test contexts' candidates with every trained CoBERT and with the untrained encoder.

`python -m stages.evaluate_cobert recipes=FOLDER encoder=FOLDER processed=FOLDER models=FOLDER scores=JSON \
intervals=JSON tests=JSON power=JSON rows=PARQUET`

scores, intervals: JSON by subset, domain and model; tests: the paired tests; power: what so many contexts can tell;
rows: one per model and test context.
"""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_json, read_parquet, write_json, write_parquet
from attune.evaluation import families
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.ranking.power import power_of
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
    power: Path,
    rows: Path,
) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    names, seed = [summary.UNTRAINED, *settings.cobert.recipes], settings.seed
    # The domain `all` has the others' contexts, so that the domains share the output of frozen layers.
    frozen_states: dict[int, Any] = {}
    by_domain = [
        row
        for domain in settings.cobert.domains
        for row in rank(settings, domain, recipes, encoder, processed, models, frozen_states)
    ]
    tables, compared, ranked = [], [], []
    for subset in settings.cobert.subsets:
        of_subset = [row for row in by_domain if row["subset"] == subset]
        values = summary.values_of(of_subset)
        tables.append(summary.scores(values, seed).assign(subset=subset))
        pairs = list(combinations(names, 2))
        compared += summary.labelled(summary.comparisons(values, pairs, seed, families.RECIPES), subset=subset)
        ranked += of_subset
    table, keys = pd.concat(tables), ["subset", "domain", "model"]
    write_json(scores, nested(table[table.domain != summary.MEAN], keys, intervals=False))
    write_json(intervals, nested(table, keys))
    write_json(tests, corrected(compared))
    steps = list(pairwise(names))
    # The second recipe is the first report's, and the first the paper's; a single one is compared with no training.
    reported = steps[1] if len(steps) > 1 else steps[0]
    write_json(power, power_of(ranked, own_rows(ranked, processed), steps, reported, seed))
    write_parquet(rows, ranked, RANKED)


def rank(
    settings: parameters.Parameters,
    domain: str,
    recipes: Path,
    encoder: Path,
    processed: Path,
    models: Path,
    frozen_states: dict[int, Any],
) -> summary.Rows:
    """The ranked rows of a domain: for each subset those of the untrained encoder, then of each recipe's model.

    Subsets with the same contexts share the untrained encoder's rows. frozen_states: as RankingTest has it.
    """
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    options = settings.cobert
    first = read_json(recipes / f"{options.recipes[0]}.json")
    tests: dict[tuple[str, ...], RankingTest] = {}
    untrained: dict[tuple[str, ...], summary.Rows] = {}
    ranked: summary.Rows = []
    for subset in options.subsets:
        test = RankingTest.load(processed, subset, domain, options, settings.seed, frozen_states)
        ids = tuple(row["id"] for row in test.contexts)
        test = tests.setdefault(ids, test)
        if ids not in untrained:
            untrained[ids] = test.rank(Ranker.untrained(encoder, first))
        of_models = {summary.UNTRAINED: untrained[ids]}
        for name in options.recipes:
            of_models[name] = test.rank(Ranker.from_pretrained(models / f"{name}-{subset}-{domain}", encoder))
        for name, rows in of_models.items():
            print(f"{subset} {domain} {name}: {summary.log_line(rows)}", flush=True)
            ranked += summary.labelled(rows, model=name, subset=subset, domain=domain)
    return ranked


def own_rows(ranked: summary.Rows, processed: Path) -> summary.Rows:
    """The rows of the subsets' own test splits, which may be fewer than those that their models are ranked on."""
    places = {(row["subset"], row["domain"]) for row in ranked}
    files = {place: processed / place[0] / place[1] / "test.parquet" for place in places}
    own = {place: {row["id"] for row in read_parquet(file)} for place, file in files.items()}
    return [row for row in ranked if row["id"] in own[row["subset"], row["domain"]]]


if __name__ == "__main__":
    start(main)
