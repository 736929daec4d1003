"""How much a trained CoBERT uses the persona: the test with the responder's own, with none, and with another person's.

`python -m studies.persona_use ranks=PATH processed=PATH models=PATH scores=PATH tests=PATH`

ranks: the ranked rows of evaluate_cobert, which have the responder's own persona.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.tables import nested
from attune.evaluation.testing.personas import exchanged, without
from stages import start

OWN, NONE, OTHER = "own", "none", "another's"


def main(*, ranks: Path, processed: Path, models: Path, scores: Path, tests: Path) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, recipes = settings.cobert.subsets[0], settings.cobert.recipes
    evaluated = read_parquet(ranks)
    ranked: summary.Rows = []
    for domain in settings.cobert.domains:
        ranked += rank(settings, subset, domain, processed, models)
        for recipe in recipes:
            wanted = {"subset": subset, "domain": domain, "model": recipe}
            ranked += [row | {"model": f"{recipe}, {OWN}"} for row in evaluated if wanted.items() <= row.items()]
    values = summary.values_of(ranked)
    pairs = [(f"{recipe}, {whose}", f"{recipe}, {OWN}") for recipe in recipes for whose in (NONE, OTHER)]
    write_json(scores, nested(summary.scores(values, settings.seed), ["domain", "model"]))
    write_json(tests, corrected(summary.comparisons(values, pairs, settings.seed, "whose persona")))


def rank(settings: parameters.Parameters, subset: str, domain: str, processed: Path, models: Path) -> summary.Rows:
    """The ranked test rows of a domain with no persona and with another person's; model is "recipe, whose persona"."""
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
    contexts = {NONE: without(test.contexts), OTHER: exchanged(test.contexts, settings.seed)}
    ranked: summary.Rows = []
    for recipe in settings.cobert.recipes:
        ranker = Ranker.from_pretrained(models / f"{recipe}-{subset}-{domain}")
        for whose, changed in contexts.items():
            rows = test.rank(ranker, changed)
            ranked += summary.labelled(rows, model=f"{recipe}, {whose}", domain=domain)
            print(f"{domain} {recipe}, {whose}: {summary.log_line(rows)}", flush=True)
    return ranked


if __name__ == "__main__":
    start(main)
