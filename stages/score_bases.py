"""Score the true replies that generators are tested on with the generators' untrained bases, each test once.

`python -m stages.score_bases tests=JSON base_models=FOLDER data=FOLDER target=PARQUET`

tests: what the stage base_tests wrote. data: the folder that its `rows` are in.
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_json, write_parquet
from attune.evaluation.schemas import BASES
from attune.evaluation.testing.base_tests import BaseTest
from stages import start


def main(*, tests: Path, base_models: Path, data: Path, target: Path) -> None:
    chosen = [BaseTest(**each) for each in read_json(tests, list[BaseTest])]

    from attune.evaluation.testing.bases import base_rows  # takes seconds, which a wrong file need not wait for

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    rows = list(base_rows(chosen, base_models, data, settings.generation, settings.seed))
    write_parquet(target, rows, BASES)
    bases = ", ".join(sorted({test.base for test in chosen}))
    print(f"{len(rows)} losses of replies, in {len(chosen)} tests of {bases}")


if __name__ == "__main__":
    start(main)
