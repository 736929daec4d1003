"""Labels are data, and are drawn as written."""

import itertools
from pathlib import Path

import pytest
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


@pytest.mark.parametrize(
    ("low", "high", "apart"), [(1.2, 4.0, 1.4), (2.5, 10.8, 1.4), (0.02, 0.15, 1.6), (0.02, 1.5, 2.5), (0.01, 9.0, 10)]
)
def test_a_value_on_a_logarithmic_axis_lies_near_a_number(low: float, high: float, apart: float) -> None:
    figure, (axes,) = style.subplots(3, 1.5)
    axes.plot([low, high])
    style.log_axis(axes)
    figure.draw_without_rendering()
    bottom, top = axes.get_ylim()
    ticks = [*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks()]
    shown = sorted((each for each in ticks if bottom <= each.get_loc() <= top), key=lambda each: each.get_loc())
    numbers = [float(each.label1.get_text()) for each in shown if each.label1.get_text()]
    for value in (low, high):
        assert min(max(value / number, number / value) for number in numbers) < apart
    boxes = [each.label1.get_window_extent() for each in shown]
    assert not any(below.overlaps(above) for below, above in itertools.pairwise(boxes))
