from pathlib import Path

import pytest

from attune.report.figures.style import save
from benchmarks import draw
from benchmarks.harness import RESULTS

FIGURES = ("comparisons", "matching", "search", "corpora")


@pytest.mark.usefixtures("committed_results")
def test_the_committed_figures_show_the_committed_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "save", lambda figure, _, name: save(figure, tmp_path, name))
    draw.main()
    for name in FIGURES:
        assert (tmp_path / f"{name}.svg").read_bytes() == (RESULTS / f"{name}.svg").read_bytes(), (
            f"{name}.svg is older than its results; `python -m benchmarks.draw` draws it"
        )
