"""Compare all ways to rank on the same test contexts: shared words, sentence embeddings, and every trained matcher.

`python -m studies.compare ranks=PATH recipes=PATH processed=PATH embedder=PATH encoder=PATH models=PATH scores=PATH
tests=PATH rows=PATH`

ranks: the ranked rows of evaluate_cobert; models: those of compare.recipes; rows: one per method and test context.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from attune import parameters
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, write_json, write_parquet
from attune.evaluation.comparison import PLACES, corrected
from attune.evaluation.ranking import summary
from attune.evaluation.ranking.baselines import METHODS, Baselines
from attune.evaluation.schemas import RANKED
from attune.evaluation.tables import nested
from stages import start

if TYPE_CHECKING:  # torch takes seconds to import
    from attune.evaluation.ranking.evaluate import RankingTest

# Test contexts whose cost is counted: lengths differ little, and the cross-encoder takes a second for each.
COUNTED = 10


def main(
    *,
    ranks: Path,
    recipes: Path,
    processed: Path,
    embedder: Path,
    encoder: Path,
    models: Path,
    scores: Path,
    tests: Path,
    rows: Path,
) -> None:
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.index.embedding import load_embedder

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, trained = settings.cobert.subsets[0], settings.cobert.recipes
    for domain in settings.compare.domains:
        if domain not in settings.cobert.domains:
            known = ", ".join(settings.cobert.domains)
            raise AttuneError(f"compare.domains has {domain!r}, which is none of cobert.domains: {known}")
    evaluated = read_parquet(ranks)
    ranked: summary.Rows = []
    costs = []
    for domain in settings.compare.domains:
        test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
        baselines = Baselines.of(load_embedder(embedder), test.candidates, settings.index.batch_size)
        costs.append(cost(settings, test, baselines, recipes, encoder).assign(domain=domain))
        ranked += rank(settings, test, baselines, domain, models, encoder)
        for name in (summary.UNTRAINED, *trained):
            wanted = {"subset": subset, "domain": domain, "model": name}
            ranked += [row for row in evaluated if wanted.items() <= row.items()]
    values = summary.values_of(ranked)
    pairs = [(other, recipe) for recipe in trained for other in (*METHODS, *settings.compare.recipes)]
    mean = pd.concat(costs).groupby(["model", "score"], as_index=False)["value"].mean().assign(domain=summary.MEAN)
    table = pd.concat([summary.scores(values, settings.seed), *costs, mean.round(PLACES)])
    write_json(scores, nested(table, ["domain", "model"]))
    write_json(tests, corrected(summary.comparisons(values, pairs, settings.seed, "ways to match")))
    write_parquet(rows, ranked, RANKED)


def rank(
    settings: parameters.Parameters, test: "RankingTest", baselines: Baselines, domain: str, models: Path, encoder: Path
) -> summary.Rows:
    """The ranked test rows of a domain by the baselines and by the models of compare.recipes."""
    from attune.inference.ranker import Ranker

    subset = settings.cobert.subsets[0]
    ranked = baselines.rank(test.contexts, test.candidates)
    for name in settings.compare.recipes:
        ranked[name] = test.rank(Ranker.from_pretrained(models / f"{name}-{subset}-{domain}", encoder))
    for name, rows in ranked.items():
        print(f"{domain} {name}: {summary.log_line(rows)}", flush=True)
    return [
        row for name, rows in ranked.items() for row in summary.labelled(rows, model=name, subset=subset, domain=domain)
    ]


def cost(
    settings: parameters.Parameters, test: "RankingTest", baselines: Baselines, recipes: Path, encoder: Path
) -> pd.DataFrame:
    """Each method's GFLOP per context (`ranking.cost`), as rows of model, score and value; training changes none."""
    from attune.evaluation.ranking.cost import by_baseline, by_model, gflops
    from attune.inference.ranker import Ranker

    pairs = list(zip(test.contexts, test.candidates, strict=True))[:COUNTED]
    costs = {name: gflops([by_baseline(baselines, name, *pair) for pair in pairs]) for name in METHODS}
    names = [*settings.cobert.recipes, *settings.compare.recipes]
    for name, recipe in ((summary.UNTRAINED, names[0]), *zip(names, names, strict=True)):
        ranker = Ranker.untrained(encoder, read_json(recipes / f"{recipe}.json"))
        costs[name] = gflops([by_model(ranker, *pair) for pair in pairs])
    return pd.DataFrame({"model": costs.keys(), "score": "gflops", "value": costs.values()}).round(PLACES)


if __name__ == "__main__":
    start(main)
