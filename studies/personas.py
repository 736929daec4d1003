"""The persona ablation (paper, section 6): models trained and tested with 0, 1, ... persona sentences.

`python -m studies.personas processed=FOLDER models=FOLDER scores=JSON tests=JSON`

models: a folder per number of sentences. tests: the fewest sentences against each other number; none where no test
context has a persona.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_json
from attune.evaluation import families
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking import summary
from attune.evaluation.tables import nested
from stages import start


def main(*, processed: Path, models: Path, scores: Path, tests: Path) -> None:
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    domain = settings.personas.domain
    first, *others = map(str, settings.personas.counts)
    # The large subset's test contexts, whatever subset the models are trained on, so that `personas.subset` changes the
    # training alone.
    test = RankingTest.load(processed, "large", domain, settings.cobert, settings.seed)
    ranked: summary.Rows = []
    for count in (first, *others):
        rows = test.rank(Ranker.from_pretrained(models / count))
        ranked += summary.labelled(rows, model=count, domain=domain)
        print(f"{count} persona sentences: {summary.log_line(rows)}", flush=True)
    values = summary.values_of(ranked)
    table = summary.scores(values, settings.seed)
    write_json(scores, nested(table[table.domain == domain], ["model"]))
    # The mean over a single domain is that domain's.
    pairs = [(first, other) for other in others]
    compared = summary.comparisons(values, pairs, settings.seed, families.PERSONA_SENTENCES)
    told = any(row["personas"] for row in test.contexts)
    kept = [row for row in compared if told and row["domain"] == summary.MEAN]
    write_json(tests, corrected({key: row[key] for key in row if key != "domain"} for row in kept))


if __name__ == "__main__":
    start(main)
