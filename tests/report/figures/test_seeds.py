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
