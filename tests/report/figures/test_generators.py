import math

import pandas as pd

from attune.evaluation.tables import tidy
from attune.report.figures import generators

REPEATED = {"replies_repeated_3grams": 0.2, "replies_repeated_3grams_low": 0.1, "replies_repeated_3grams_high": 0.4}


def test_points_of_the_sweep_stand_where_their_scores_are() -> None:
    scores = tidy({"g": {"0.1/5/0.99": REPEATED | {"distinct_2": 0.3}}}, ["generator", "point"])
    figure = generators.sweep(scores)
    (line, *_) = figure.axes[0].lines
    assert list(zip(*line.get_data(), strict=True)) == [(0.3, 20.0)]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.1/5/0.99"]


def test_a_generator_that_is_not_trained_has_its_validation_loss_alone() -> None:
    rows = [("p", 0, math.nan, 4.0), ("t", 0, math.nan, 4.0), ("t", 9, 3.5, 3.0)]
    curves = pd.DataFrame(rows, columns=["generator", "step", "train_loss", "valid_loss"])
    lines = generators.training(curves).axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[4.0], [3.5], [4.0, 3.0]]


def test_perplexities_are_those_of_each_variant() -> None:
    values = {"g": 20.0, "g+rag": 30.0, "g+persona_rag": 25.0}
    scores = {
        name: {"perplexity": value, "perplexity_low": value - 1, "perplexity_high": value + 1}
        for name, value in values.items()
    }
    figure = generators.passages(tidy(scores, ["system"]), ["g"])
    assert [bar.get_height() for bar in figure.axes[0].patches] == [20.0, 30.0, 25.0]
