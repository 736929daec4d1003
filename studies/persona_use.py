"""How much a trained CoBERT uses the persona: the test with the responder's own, with none, and with another person's.

`python -m studies.persona_use ranks=PARQUET processed=FOLDER models=FOLDER scores=JSON tests=JSON`

ranks: the ranked rows of evaluate_cobert, which have the responder's own persona. Contexts without one, and recipes
that read none, have nothing to measure and are left out; scores says how many contexts these are, and is empty where
none is left. Another person's persona is tested where every domain has two people with one.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json
from attune.evaluation import families
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.tables import nested
from attune.evaluation.testing.exchange import DRAWS
from attune.evaluation.testing.personas import exchanged, without
from stages import start

if TYPE_CHECKING:
    from attune.evaluation.ranking.evaluate import RankingTest

OWN, NONE, OTHER = "own", "none", "another's"


def main(*, ranks: Path, processed: Path, models: Path, scores: Path, tests: Path) -> None:
    from attune.evaluation.ranking.evaluate import RankingTest

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset = settings.cobert.subsets[0]
    evaluated = read_parquet(ranks)
    ranked: summary.Rows = []
    known, unknown = {}, 0
    for domain in settings.cobert.domains:
        test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
        told = [place for place, row in enumerate(test.contexts) if row["personas"]]
        unknown += len(test.contexts) - len(told)
        if told:
            known[domain] = [test.contexts[place] for place in told], [test.candidates[place] for place in told]
    another = all(exchanged(contexts, settings.seed) for contexts, _ in known.values())
    for domain, (contexts, candidates) in known.items():
        test = RankingTest(contexts, candidates)
        ids = {row["id"] for row in contexts}
        for recipe in settings.cobert.recipes:
            rows = rank(test, recipe, models / f"{recipe}-{subset}-{domain}", domain, settings.seed, another)
            own = summary.of_model(evaluated, subset, domain, recipe) if rows else []
            ranked += rows + [row | {"model": f"{recipe}, {OWN}"} for row in own if row["id"] in ids] * DRAWS
    counts = {"contexts": sum(len(each) for each, _ in known.values()), "contexts_without_persona": unknown}
    write(ranked, settings, scores, tests, counts)


def write(
    ranked: summary.Rows, settings: parameters.Parameters, scores: Path, tests: Path, counts: dict[str, int]
) -> None:
    """The scores and tests of the ranked rows; the means also have the counts, if any context is left out."""
    numbers, found = {}, []
    if ranked:
        values = summary.values_of(ranked)
        numbers = nested(summary.scores(values, settings.seed), ["domain", "model"])
        recipes = [each for each in settings.cobert.recipes if f"{each}, {OWN}" in numbers[summary.MEAN]]
        pairs = [(f"{recipe}, {whose}", f"{recipe}, {OWN}") for recipe in recipes for whose in (NONE, OTHER)]
        pairs = [(before, after) for before, after in pairs if before in numbers[summary.MEAN]]
        found = corrected(summary.comparisons(values, pairs, settings.seed, families.WHOSE_PERSONA))
        if counts["contexts_without_persona"]:
            for each in numbers[summary.MEAN].values():
                each |= counts
    write_json(scores, numbers)
    write_json(tests, found)


def rank(test: "RankingTest", recipe: str, model: Path, domain: str, seed: int, another: bool) -> summary.Rows:
    """The ranked test rows with no persona and, if `another`, another person's; none of a model that reads no personas.

    Their model is "recipe, whose persona". There are DRAWS rows for each context: of as many other people's personas,
    or the same row again, so that all weigh alike.
    """
    from attune.inference.ranker import Ranker

    contexts = {NONE: [without(test.contexts)]}
    if another:
        contexts[OTHER] = [exchanged(test.contexts, seed, draw) for draw in range(DRAWS)]
    ranker = Ranker.from_pretrained(model)
    ranked: summary.Rows = []
    if not ranker.inputs.num_personas:
        return ranked
    for whose, changed in contexts.items():
        rows = [row for each in changed for row in test.rank(ranker, each)]
        ranked += summary.labelled(rows, model=f"{recipe}, {whose}", domain=domain) * (DRAWS // len(changed))
        print(f"{domain} {recipe}, {whose}: {summary.log_line(rows)}", flush=True)
    return ranked


if __name__ == "__main__":
    start(main)
