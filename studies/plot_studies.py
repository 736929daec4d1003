"""Draw the studies' figures: `python -m studies.plot_studies metrics=FOLDER figures=FOLDER`."""

from pathlib import Path

from attune import parameters
from attune.report.figures import registry
from attune.report.results import Results
from stages import start


def main(*, metrics: Path, figures: Path) -> None:
    names = registry.draw("studies", Results(parameters.load(), metrics=metrics), figures)
    print(f"{figures}: {', '.join(names)}")


if __name__ == "__main__":
    start(main)
