"""Measure how much of each test set stands in train sets and retrieval banks, and split the scores by it.

`python -m stages.contamination processed=FOLDER index=FOLDER ranks=PARQUET replies=PARQUET target=JSON`

ranks, replies: the rows that evaluate_cobert and compare_generators wrote.
"""

from pathlib import Path

from attune import parameters
from attune.core.files import read_parquet, write_json
from attune.evaluation.contamination import MOSTLY, Contamination, N, split_losses, split_ranking
from stages import start


def main(*, processed: Path, index: Path, ranks: Path, replies: Path, target: Path) -> None:
    settings = parameters.load()
    measured = Contamination.measure(processed, index, settings.corpora)
    # The folder below data/processed from which a generator's rows were made, with passages or without.
    tests = {name: each.rows.partition("/")[2] for name, each in settings.generators.items()}
    result = {
        "n": N,
        "mostly": MOSTLY,
        "overlaps": measured.overlaps(),
        "ranking": split_ranking(measured, read_parquet(ranks), settings.seed),
        "losses": split_losses(measured, read_parquet(replies), tests, settings.seed),
    }
    write_json(target, result)
    print(f"{len(measured.tests)} test sets against {len(measured.found)} train sets and banks")


if __name__ == "__main__":
    start(main)
