"""Draw the pipeline's figures, and write CoBERT's scores as a table.

`python -m stages.plot dialogues=FOLDER processed=FOLDER probe=JSON metrics=FOLDER figures=FOLDER scores_csv=CSV`
"""

from pathlib import Path

from attune import parameters
from attune.core.files import write_csv
from attune.report.figures import registry
from attune.report.results import Results
from attune.report.tables import ranking_table, records
from stages import start


def main(*, dialogues: Path, processed: Path, probe: Path, metrics: Path, figures: Path, scores_csv: Path) -> None:
    results = Results(parameters.load(), dialogues=dialogues, processed=processed, probe=probe, metrics=metrics)
    names = registry.draw("report", results, figures)
    write_csv(scores_csv, records(ranking_table(results.ranking)))
    print(f"{figures}: {', '.join(names)}")


if __name__ == "__main__":
    start(main)
