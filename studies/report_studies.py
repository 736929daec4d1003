"""Put the studies on one page.

`python -m studies.report_studies raw=FOLDER metrics=FOLDER figures=FOLDER everyday=PARQUET page=HTML`

raw: the corpora's raw files, with their manifests. everyday: the replies to everyday messages, as the stage of that
name writes them.
"""

from pathlib import Path

from attune import parameters
from attune.core.files import atomic_file
from attune.report import html, sections
from attune.report.results import Results
from stages import start


def main(*, raw: Path, metrics: Path, figures: Path, everyday: Path, page: Path) -> None:
    parts = sections.of_studies(Results(parameters.load(), raw=raw, metrics=metrics, everyday=everyday), figures)
    with atomic_file(page) as temporary:
        temporary.write_text(html.page("Attune: studies", parts), encoding="utf-8")
    print(f"{page}: {page.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    start(main)
