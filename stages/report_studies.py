"""Put the studies on one page: `python -m stages.report_studies METRICS PLOTS PAGE`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.core.files import read_json, whole_file
from attune.evaluation.ranking.summary import MEAN
from attune.report import findings as sentences
from attune.report import html as report
from stages import start

FIGURES = {
    "matching_methods": "Ways to match: test MRR with 95 % intervals",
    "persona_ablation": "CoBERT with fewer and more persona sentences",
    "transfer": "Trained on one domain, tested on another",
}


def main(metrics: str, plots: str, page: str) -> None:
    names = ("compare", "compare_tests", "persona_use", "persona_use_tests", "personas", "personas_tests", "retrieval")
    found = {name: read_json(Path(metrics) / f"{name}.json") for name in names}
    pictures = [report.figure(name, (Path(plots) / f"{name}.png").read_bytes(), text) for name, text in FIGURES.items()]
    retrieval = [{"domain": domain, **scores} for domain, scores in found["retrieval"].items()]
    sections = [
        ("Figures", "\n".join(pictures)),
        ("Ways to match, mean over the domains", _scored(found["compare"][MEAN], found["compare_tests"][MEAN])),
        ("Whose persona, mean over the domains", _scored(found["persona_use"][MEAN], found["persona_use_tests"][MEAN])),
        ("Persona sentences", _scored(found["personas"], found["personas_tests"])),
        ("Retrieval from the whole bank", report.table(retrieval)),
        ("Environment", report.table(report.environment())),
    ]
    with whole_file(Path(page)) as temporary:
        temporary.write_text(report.page("Attune: studies", sections), encoding="utf-8")


def _scored(scores: Mapping[str, Mapping[str, float]], tests: Mapping[str, sentences.Test]) -> str:
    """A row a method, then what differs."""
    rows: list[dict[str, Any]] = [
        {"method": name} | {score: each[score] for score in ("mrr", "mrr_low", "mrr_high", "r@1", "r@10", "r@50")}
        for name, each in scores.items()
    ]
    return report.table(rows) + report.paragraphs(sentences.about_pairs(tests, "MRR"))


if __name__ == "__main__":
    start(main)
