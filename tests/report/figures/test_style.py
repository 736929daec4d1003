"""Labels are data, and are drawn as written."""

from pathlib import Path

from matplotlib.text import Text

from attune.report.figures import style

LABELS = ("broke ($0) or rich ($$$)", "$\\frac{1}{", "a_b^c & <i>", "100 % \\sad", "é ж α", "--")


def test_labels_with_markup_are_drawn(tmp_path: Path) -> None:
    figure, (axes,) = style.subplots(4, 3)
    axes.barh(list(LABELS), range(len(LABELS)), label=LABELS[0])
    axes.set_title(LABELS[0])
    axes.set_xlabel(LABELS[1])
    axes.annotate(LABELS[1], (0, 0))
    axes.legend()
    style.save(figure, tmp_path, "labels")
    assert (tmp_path / "labels.png").stat().st_size > 1000
    assert not any(text.get_parse_math() for text in figure.findobj(Text))
    drawn = [label.get_text() for label in axes.get_yticklabels()]
    assert drawn == list(LABELS)
    svg = (tmp_path / "labels.svg").read_text(encoding="utf-8")
    assert "broke ($0) or rich ($$$)" in svg
