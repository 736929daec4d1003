"""Transfer between domains (paper, table 6): the models of each domain, tested on every domain.

`python -m studies.transfer processed=FOLDER models=FOLDER scores=JSON`

scores: JSON by the domain that a model was trained on, then the domain that it was tested on.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_json
from attune.evaluation.ranking import summary
from attune.evaluation.tables import nested
from stages import start


def main(*, processed: Path, models: Path, scores: Path) -> None:
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, recipe = settings.cobert.subsets[0], settings.transfer.recipe
    ranked: summary.Rows = []
    for tested in settings.cobert.domains:
        test = RankingTest.load(processed, subset, tested, settings.cobert, settings.seed)
        for trained in settings.cobert.domains:
            rows = test.rank(Ranker.from_pretrained(models / f"{recipe}-{subset}-{trained}"))
            ranked += summary.labelled(rows, model=trained, domain=tested)
            print(f"trained on {trained}, tested on {tested}: {summary.log_line(rows)}", flush=True)
    table = summary.scores(summary.values_of(ranked), settings.seed)
    write_json(scores, nested(table[table.domain != summary.MEAN], ["model", "domain"]))


if __name__ == "__main__":
    start(main)
