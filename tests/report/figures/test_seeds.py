import pytest

from attune.report.figures import seeds
from attune.report.seeds import models
from tests.report.seed_numbers import SEEDS


def test_the_legend_stands_above_the_panels_and_takes_no_width_from_them() -> None:
    for numbers in (SEEDS, SEEDS | {"generators": []}):
        figure = seeds.seeds(models(numbers, {"full": "Full fine-tuning"}))
        figure.draw_without_rendering()
        (legend,) = figure.legends
        extent = legend.get_window_extent()
        assert extent.y0 >= max(axes.get_window_extent().y1 for axes in figure.axes)
        assert 0 <= extent.x0 < extent.x1 <= figure.bbox.x1
        assert figure.axes[-1].get_window_extent().x1 > 0.95 * figure.bbox.x1


def test_each_seed_stands_beside_the_mean_of_its_model() -> None:
    for axes, rows in zip(
        seeds.seeds(models(SEEDS, {"full": "Full fine-tuning"})).axes,
        ([row for row in SEEDS["ranking"] if "model" in row], SEEDS["generators"]),
        strict=True,
    ):
        (means,) = axes.containers
        (dots,) = (line for line in axes.lines if line.get_label() == "one seed")
        wanted = [(place, value) for place, row in enumerate(rows) for value in row["by_seed"].values()]
        assert [(round(x), y) for x, y in dots.get_xydata()] == wanted
        assert [(round(x), y) for x, y in means[0].get_xydata()] == [(at, row["mean"]) for at, row in enumerate(rows)]
        reaches = [segment[:, 1].tolist() for segment in means[2][0].get_segments()]
        assert reaches == [pytest.approx([row["low"], row["high"]]) for row in rows]
    first, second = seeds.seeds(models(SEEDS, {"full": "Full fine-tuning"})).axes
    assert [label.get_text() for label in first.get_xticklabels()] == ["tuned, all", "attune, all"]
    assert [label.get_text() for label in second.get_xticklabels()] == ["Full fine-\ntuning"]
    assert (first.get_ylabel(), second.get_ylabel()) == ("test MRR", "perplexity")
