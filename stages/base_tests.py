"""Write out how each base is tested, so that a generator's training keys do not rerun the bases' tests.

`python -m stages.base_tests target=JSON`
"""

from pathlib import Path

from attune import parameters
from attune.core.files import write_json
from attune.evaluation.testing.base_tests import BaseTest
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load()
    tests = sorted({BaseTest.of(generator) for generator in settings.generators.values()})
    write_json(target, [test._asdict() for test in tests])


if __name__ == "__main__":
    start(main)
