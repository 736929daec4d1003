"""Compare all ways to rank on the same test contexts: shared words, sentence embeddings, and every trained matcher.

What takes no further training (the baselines, and CoBERT's models before and after theirs) is compared in all of
cobert.domains, the models of compare.recipes in compare.domains, in which they are trained.

`python -m studies.compare ranks=PARQUET recipes=FOLDER processed=FOLDER embedder=FOLDER encoder=FOLDER \
models=FOLDER scores=JSON tests=JSON rows=PARQUET`

ranks: the ranked rows of evaluate_cobert; models: those of compare.recipes; scores: by domain and model, the mean over
compare.domains under the name that `summary.mean_of` gives it; rows: one per method and test context.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_json, read_parquet, write_json, write_parquet
from attune.evaluation import families
from attune.evaluation.comparison import PLACES, corrected
from attune.evaluation.ranking import summary
from attune.evaluation.ranking.baselines import BASELINES, Baselines
from attune.evaluation.schemas import RANKED
from attune.evaluation.tables import nested
from attune.parameters.agreement import STUDIES
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

    settings = parameters.load(further=STUDIES)
    pin(settings.seed, settings.threads)
    subset = settings.cobert.subsets[0]
    ours = read_json(recipes / f"{settings.cobert.recipes[-1]}.json")
    evaluated = read_parquet(ranks)
    ranked: summary.Rows = []
    costs = []
    for domain in settings.cobert.domains:
        test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
        baselines = Baselines.of(
            load_embedder(embedder), test.candidates, settings.index.batch_size, ours["num_personas"]
        )
        if domain in settings.compare.domains:
            costs.append(cost(settings, test, baselines, recipes, encoder).assign(domain=domain))
        ranked += rank(settings, test, baselines, domain, models, encoder)
        ranked += before_training(settings, test, domain, recipes, encoder)
        for name in (summary.UNTRAINED, *settings.cobert.recipes):
            ranked += summary.of_model(evaluated, subset, domain, name)
    values = summary.values_of(ranked)
    write_json(scores, nested(table(settings, values, pd.concat(costs)), ["domain", "model"]))
    write_json(tests, corrected(comparisons(settings, values)))
    write_parquet(rows, ranked, RANKED)


def rank(
    settings: parameters.Parameters, test: "RankingTest", baselines: Baselines, domain: str, models: Path, encoder: Path
) -> summary.Rows:
    """The ranked test rows of a domain by the baselines and, in compare.domains, by the models of compare.recipes."""
    from attune.inference.ranker import Ranker

    subset = settings.cobert.subsets[0]
    ranked = baselines.rank(test.contexts, test.candidates)
    for name in settings.compare.recipes if domain in settings.compare.domains else []:
        ranked[name] = test.rank(Ranker.from_pretrained(models / f"{name}-{subset}-{domain}", encoder))
    return logged(ranked, subset, domain)


def before_training(
    settings: parameters.Parameters, test: "RankingTest", domain: str, recipes: Path, encoder: Path
) -> summary.Rows:
    """The ranked test rows of a domain by CoBERT's recipes before training, but the first's, which are in `ranks`."""
    from attune.inference.ranker import Ranker

    ranked = {
        name: test.rank(Ranker.untrained(encoder, read_json(recipes / f"{recipe}.json")))
        for recipe, name in summary.starts(settings.cobert.recipes).items()
        if name != summary.UNTRAINED
    }
    return logged(ranked, settings.cobert.subsets[0], domain)


def logged(ranked: dict[str, summary.Rows], subset: str, domain: str) -> summary.Rows:
    """The rows of each model with its name, subset and domain; prints a line for each."""
    for name, rows in ranked.items():
        print(f"{domain} {name}: {summary.log_line(rows)}", flush=True)
    return [
        row for name, rows in ranked.items() for row in summary.labelled(rows, model=name, subset=subset, domain=domain)
    ]


def table(settings: parameters.Parameters, values: summary.Values, costs: pd.DataFrame) -> pd.DataFrame:
    """The scores in each domain and over all of them, and those of all models over compare.domains, with their costs.

    costs: as `cost` returns them, with their domains.
    """
    every, compared, name = divided(settings, values)
    of_compared = summary.scores(compared, settings.seed).replace({"domain": {summary.MEAN: name}})
    means = costs.groupby(["model", "score"], as_index=False)["value"].mean().round(PLACES).assign(domain=name)
    scores = pd.concat([of_compared, costs, means, summary.scores(every, settings.seed)])
    return scores.drop_duplicates(["domain", "model", "score"])


def comparisons(settings: parameters.Parameters, values: summary.Values) -> list[dict[str, Any]]:
    """Records of the paired tests, without p_holm: CoBERT's recipes against what takes no training, and what does."""
    every, compared, name = divided(settings, values)
    untrained, (*others, ours) = [*BASELINES, summary.UNTRAINED], settings.cobert.recipes
    pairs = [(way, ours) for way in untrained]
    other_pairs = [(way, recipe) for recipe in others for way in untrained]
    trained_pairs = [(way, recipe) for recipe in (*others, ours) for way in settings.compare.recipes]
    rows = summary.comparisons(every, pairs, settings.seed, families.WITHOUT_TRAINING)
    rows += summary.comparisons(every, other_pairs, settings.seed, families.OTHERS_WITHOUT_TRAINING)
    gains = [(start, recipe) for recipe, start in summary.starts(settings.cobert.recipes).items()]
    rows += summary.comparisons(every, gains, settings.seed, families.TRAINING_ADDS)
    for row in summary.comparisons(compared, trained_pairs, settings.seed, families.TRAINED_WAYS):
        if row["domain"] == summary.MEAN:
            rows.append(row | {"domain": name})
        elif len(compared) > 1:  # a single domain is its own mean
            rows.append(row)
    return rows


def divided(settings: parameters.Parameters, values: summary.Values) -> tuple[summary.Values, summary.Values, str]:
    """What all of cobert.domains have; all models of compare.domains; and what the mean over the latter is called."""
    recipes = settings.cobert.recipes
    domains, shared = settings.compare.domains, [*BASELINES, *summary.starts(recipes).values(), *recipes]
    every = {domain: {name: models[name] for name in shared} for domain, models in values.items()}
    return every, {domain: values[domain] for domain in domains}, summary.mean_of(domains, settings.cobert.domains)


def cost(
    settings: parameters.Parameters, test: "RankingTest", baselines: Baselines, recipes: Path, encoder: Path
) -> pd.DataFrame:
    """Each method's GFLOP per context (`ranking.cost`), as rows of model, score and value; training changes none."""
    from attune.evaluation.ranking.cost import by_baseline, by_model, gflops
    from attune.inference.ranker import Ranker

    pairs = list(zip(test.contexts, test.candidates, strict=True))[:COUNTED]
    costs = {name: gflops([by_baseline(baselines, name, *pair) for pair in pairs]) for name in BASELINES}
    names = [*settings.cobert.recipes, *settings.compare.recipes]
    for name in names:
        ranker = Ranker.untrained(encoder, read_json(recipes / f"{name}.json"))
        costs[name] = gflops([by_model(ranker, *pair) for pair in pairs])
    costs |= {start: costs[recipe] for recipe, start in summary.starts(settings.cobert.recipes).items()}
    return pd.DataFrame({"model": costs.keys(), "score": "gflops", "value": costs.values()}).round(PLACES)


if __name__ == "__main__":
    start(main)
