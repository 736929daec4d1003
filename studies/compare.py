"""Compare all ways to rank on the same test contexts: shared words, sentence embeddings, and every trained matcher.

`python -m studies.compare ranks=PATH processed=PATH embedder=PATH models=PATH scores=PATH tests=PATH rows=PATH`

ranks: the ranked rows of evaluate_cobert; models: those of compare.recipes; rows: one per method and test context.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json, write_parquet
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.ranking.baselines import METHODS, cosines, lexical
from attune.evaluation.schemas import RANKED
from attune.evaluation.tables import nested
from stages import start


def main(*, ranks: Path, processed: Path, embedder: Path, models: Path, scores: Path, tests: Path, rows: Path) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, trained = settings.cobert.subsets[0], settings.cobert.recipes
    evaluated = read_parquet(ranks)
    ranked: summary.Rows = []
    for domain in settings.cobert.domains:
        ranked += rank(settings, subset, domain, processed, embedder, models)
        for name in (summary.UNTRAINED, *trained):
            wanted = {"subset": subset, "domain": domain, "model": name}
            ranked += [row for row in evaluated if wanted.items() <= row.items()]
    values = summary.values_of(ranked)
    pairs = [(other, recipe) for recipe in trained for other in (*METHODS, *settings.compare.recipes)]
    write_json(scores, nested(summary.scores(values, settings.seed), ["domain", "model"]))
    write_json(tests, corrected(summary.comparisons(values, pairs, settings.seed, "ways to match")))
    write_parquet(rows, ranked, RANKED)


def rank(
    settings: parameters.Parameters, subset: str, domain: str, processed: Path, embedder: Path, models: Path
) -> summary.Rows:
    """The ranked test rows of a domain by the baselines and by the models of compare.recipes."""
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.index.embedding import load_embedder
    from attune.inference.ranker import Ranker

    test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
    ranked = lexical(test.contexts, test.candidates)
    ranked |= cosines(load_embedder(embedder), test.contexts, test.candidates, settings.index.batch_size)
    for name in settings.compare.recipes:
        ranked[name] = test.rank(Ranker.from_pretrained(models / f"{name}-{subset}-{domain}"))
    for name, rows in ranked.items():
        print(f"{domain} {name}: {summary.log_line(rows)}", flush=True)
    return [
        row for name, rows in ranked.items() for row in summary.labelled(rows, model=name, subset=subset, domain=domain)
    ]


if __name__ == "__main__":
    start(main)
