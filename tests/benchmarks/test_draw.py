import re
import sys
from pathlib import Path

import pytest

from attune.report.figures.style import save
from benchmarks import draw
from benchmarks.harness import RESULTS

FIGURES = ("comparisons", "matching", "search", "corpora")
_COORDINATE = r"-?\d+\.\d+"


def parts(path: Path) -> tuple[list[str], list[float]]:
    """The text of an SVG between its coordinates, whose sixth decimal is the processor's, and the coordinates.

    Without the names of its clipping paths, which are hashes of coordinates with all their decimals.
    """
    text = re.sub(r"\bp[0-9a-f]{10}\b", "p", path.read_text())
    return re.split(_COORDINATE, text), [float(each) for each in re.findall(_COORDINATE, text)]


@pytest.mark.usefixtures("committed_results")
def test_the_committed_figures_show_the_committed_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "save", lambda figure, _, name: save(figure, tmp_path, name))
    monkeypatch.setattr(sys, "argv", ["draw"])
    draw.main()
    for name in FIGURES:
        (drawn, places), (committed, before) = (parts(folder / f"{name}.svg") for folder in (tmp_path, RESULTS))
        stale = f"{name}.svg is older than its results; `python -m benchmarks.draw` draws it"
        assert drawn == committed, stale
        assert places == pytest.approx(before, abs=1e-3), stale
