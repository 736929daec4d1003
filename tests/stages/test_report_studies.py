import re
import shutil
from pathlib import Path

import pytest

from attune.core.files import write_json
from attune.report.figures import style
from attune.report.figures.cobert import personas
from stages.report_studies import FIGURES, main
from tests.project import ROOT

SCORES = {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.3, "r@1": 0.1, "r@10": 0.5, "r@50": 0.9}
TEST = {"difference": 0.1, "low": 0.05, "high": 0.2, "p": 0.001}


def test_the_page_holds_every_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("compare", "persona_use"):
        write_json(Path(f"metrics/{name}.json"), {"mean": {"a": SCORES, "b": SCORES}})
        write_json(Path(f"metrics/{name}_tests.json"), {"mean": {"a to b": TEST}})
    write_json(Path("metrics/personas.json"), {"0": SCORES, "5": SCORES})
    write_json(Path("metrics/personas_tests.json"), {"0 to 5": TEST | {"p": 0.5}})
    write_json(Path("metrics/retrieval.json"), {"happy": {"replies": 300, "recall": 0.5}})
    style.save(personas({"0": SCORES}, "5"), Path("plots"), "first")
    for name in FIGURES:
        shutil.copy("plots/first.png", f"plots/{name}.png")
    main("metrics", "plots", "studies.html")
    html = Path("studies.html").read_text(encoding="utf-8")
    assert html.count('src="data:image/png;base64,') == len(FIGURES)
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html)
    assert html.count("b is better than a by 0.100 MRR") == 2
    assert "5 and 0 cannot be told apart in MRR" in html


def test_every_figure_of_the_studies_is_on_it() -> None:
    assert set(re.findall(r"plots/(\w+)\.png:", (ROOT / "studies/dvc.yaml").read_text())) == set(FIGURES)
