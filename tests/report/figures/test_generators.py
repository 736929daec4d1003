import math

import pandas as pd

from attune.evaluation.tables import tidy
from attune.report.figures import generators

REPEATED = {"replies_repeated_3grams": 0.2, "replies_repeated_3grams_low": 0.1, "replies_repeated_3grams_high": 0.4}


def test_points_of_the_sweep_stand_where_their_scores_are() -> None:
    scores = tidy({"g": {"0.1/5/0.99": REPEATED | {"distinct_2": 0.3}}}, ["generator", "point"])
    figure = generators.sweep(scores, "0.1/5/0.99")
    (line, *_) = figure.axes[0].lines
    assert list(zip(*line.get_data(), strict=True)) == [(0.3, 20.0)]
    assert [line.get_marker() for line in figure.axes[0].lines][-1] == "*"
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.1/5/0.99"]


def test_a_generator_that_is_not_trained_has_its_validation_loss_alone() -> None:
    rows = [("p", 0, math.nan, 4.0), ("t", 0, math.nan, 4.0), ("t", 9, 3.5, 3.0)]
    curves = pd.DataFrame(rows, columns=["generator", "step", "train_loss", "valid_loss"])
    lines = generators.training(curves).axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[4.0], [3.5], [4.0, 3.0]]


def perplexities(**values: float) -> pd.DataFrame:
    scores = {
        name: {"perplexity": value, "perplexity_low": value - 1, "perplexity_high": value + 1}
        for name, value in values.items()
    }
    return tidy(scores, ["system"])


def test_perplexities_are_those_of_each_variant() -> None:
    values = {"g": 20.0, "g+rag": 30.0, "g+persona_rag": 25.0, "g+oracle_rag": 15.0, "h": 22.0, "h+rag": 21.0}
    figure = generators.passages(perplexities(**values), ["g", "h"])
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights[:5] == [20.0, 22.0, 30.0, 21.0, 25.0]
    assert math.isnan(heights[5])  # of h, which was not given passages reranked by CoBERT
    assert heights[6] == 15.0


def test_the_right_persona_stands_before_none_and_another_s() -> None:
    values = {"p": 20.0, "p+other_persona": 30.0, "p+no_persona": 25.0}
    figure = generators.personas(perplexities(**values), ["p"])
    assert [bar.get_height() for bar in figure.axes[0].patches] == [20.0, 25.0, 30.0]


def test_retrieved_and_written_replies_stand_from_top_to_bottom() -> None:
    estimated = {"similarity": 0.4, "similarity_low": 0.3, "similarity_high": 0.5}
    scores = tidy(
        {name: estimated | {"self_bleu": value} for name, value in (("retrieved", 3.0), ("g", 9.0))}, ["system"]
    )
    first, second = generators.answered(scores, {"similarity": "like", "self_bleu": "same"}).axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["retrieved", "g"]
    assert first.get_ylim()[0] > first.get_ylim()[1]
    assert [bar.get_width() for bar in second.patches] == [3.0, 9.0]
    assert (first.get_xlabel(), second.get_xlabel()) == ("like", "same")
