import math

import pandas as pd
import pytest
from matplotlib.figure import Figure

from attune.evaluation.tables import tidy
from attune.report.figures import generators

REPEATED = {"replies_repeated_3grams": 0.2, "replies_repeated_3grams_low": 0.1, "replies_repeated_3grams_high": 0.4}


def test_points_of_the_sweep_stand_where_their_scores_are() -> None:
    scores = tidy({"g": {"0.1/5/0.99": REPEATED | {"distinct_2": 0.3}}}, ["generator", "point"])
    figure = generators.sweep(scores, "0.1/5/0.99", {"g": "G"})
    (line, *_) = figure.axes[0].lines
    assert list(zip(*line.get_data(), strict=True)) == [(0, 20)]
    assert [tick.get_text() for tick in figure.axes[-1].get_xticklabels()] == ["0.1/5/0.99"]
    assert [line.get_marker() for line in figure.axes[0].lines][-1] == "*"
    assert [axes.get_ylabel() for axes in figure.axes] == ["repeated trigrams (%)", "distinct bigrams"]


def test_generators_of_the_sweep_stand_side_by_side_and_a_score_without_an_interval_hides_no_other_s() -> None:
    points = {"0.1/1/1": {"distinct_2": 0.3, "replies_repeated_3grams": 0.0}, "0.9/30/0.95": REPEATED}
    scores = tidy({"g": points, "h": points}, ["generator", "point"])
    (axes, *_) = generators.sweep(scores, "0.1/1/1", {"g": "G", "h": "H"}).axes
    left, right = (list(bars.lines[0].get_xdata()) for bars in axes.containers)
    assert [round(at) for at in left] == [round(at) for at in right] == [0, 1]
    assert all(one < other for one, other in zip(left, right, strict=True))
    for bars in axes.containers:
        assert [len(segment) for segment in bars.lines[2][0].get_segments()] == [0, 2]


def test_only_generators_that_are_trained_have_a_panel() -> None:
    rows = [("p", 0, math.nan, 4.0), ("t", 0, math.nan, 4.0), ("t", 9, 3.5, 3.0)]
    curves = pd.DataFrame(rows, columns=["generator", "step", "train_loss", "valid_loss"])
    (axes,) = generators.training(curves, {"p": "P", "t": "T"}).axes
    assert axes.get_title() == "T"
    assert [list(line.get_ydata()) for line in axes.lines] == [[3.5], [4.0, 3.0]]


def test_where_no_generator_is_trained_the_figure_is_empty() -> None:
    curves = pd.DataFrame([("p", 0, math.nan, 4.0)], columns=["generator", "step", "train_loss", "valid_loss"])
    assert generators.training(curves, {"p": "P"}).axes == []


def perplexities(**values: float) -> pd.DataFrame:
    scores = {
        name: {"perplexity": value, "perplexity_low": value - 1, "perplexity_high": value + 1}
        for name, value in values.items()
    }
    return tidy(scores, ["system"])


def marks(figure: Figure) -> list[list[float]]:
    """The values of each variant's marks, in the first panel."""
    return [list(container[0].get_xdata()) for container in figure.axes[0].containers]


def test_perplexities_are_those_of_each_variant() -> None:
    values = {"g": 20.0, "g+rag": 30.0, "g+persona_rag": 25.0, "g+oracle_rag": 15.0, "h": 22.0, "h+rag": 21.0}
    values |= {"g+other_rag": 31.0, "h+other_rag": 23.0}
    figure = generators.passages(perplexities(**values), {"g": "G", "h": "H"}, "36 test replies")
    plain, others, rag, reranked, ideal = marks(figure)
    assert (plain, others, rag) == ([20.0, 22.0], [31.0, 23.0], [30.0, 21.0])
    assert (reranked, ideal) == ([25.0], [15.0])  # h was not given those
    shown = ["20.0", "22.0", "31.0", "23.0", "30.0", "21.0", "25.0", "15.0"]
    assert [text.get_text() for text in figure.axes[0].texts] == shown


def test_marks_are_centred_on_their_generator_s_label() -> None:
    values = {"g": 20.0, "g+rag": 30.0, "g+persona_rag": 25.0, "g+oracle_rag": 15.0, "h": 22.0, "h+rag": 21.0, "i": 9.0}
    axes = generators.passages(perplexities(**values), {"g": "G", "h": "H", "i": "I"}, "36 test replies").axes[0]
    heights = [height for container in axes.containers for height in container[0].get_ydata()]
    for label, count in enumerate((4, 2, 1)):
        found = [height for height in heights if round(height) == label]
        assert len(found) == count
        assert sum(found) / count == pytest.approx(label)


def test_the_right_persona_stands_before_none_and_another_s() -> None:
    values = {"p": 20.0, "p+other_persona": 30.0, "p+no_persona": 25.0}
    assert marks(generators.personas(perplexities(**values), {"p": "P"}, "36 test replies")) == [[20.0], [25.0], [30.0]]


def test_a_perplexity_without_an_interval_has_its_number_beside_the_mark() -> None:
    (text,) = generators.passages(tidy({"g": {"perplexity": 9.0}}, ["system"]), {"g": "G"}, "").axes[0].texts
    assert (text.get_text(), text.xy) == ("9.0", (9.0, text.xy[1]))


def test_where_nobody_was_evaluated_so_the_figures_are_empty() -> None:
    for draw in (generators.passages, generators.personas):
        figure = draw(perplexities(p=20.0), {}, "")
        figure.draw_without_rendering()
        assert not figure.axes[0].texts


def test_the_number_beside_the_longest_interval_lies_inside_the_axes() -> None:
    figure = generators.personas(perplexities(p=20.0), {"p": "P"}, "36 test replies")
    figure.draw_without_rendering()
    (text,) = figure.axes[0].texts
    assert text.get_window_extent().x1 <= figure.axes[0].get_window_extent().x1


def test_each_generator_stands_beside_its_base() -> None:
    scores = tidy({"g": {"base_perplexity": 40.0, "perplexity": 20.0, "examples": 9}}, ["system"])
    axes = generators.perplexities(scores, {"g": "G"}).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines] == [[40.0], [20.0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["G"]
    assert axes.get_xlabel() == "perplexity of 9 test replies (left is better)"
    assert len({line.get_marker() for line in axes.lines}) == 2
    assert {text.get_color() for text in axes.texts} == {"black"}


def test_variants_differ_in_their_markers_and_numbers_are_black() -> None:
    values = dict.fromkeys(("g", "g+rag", "g+persona_rag", "g+oracle_rag", "g+other_rag"), 20.0)
    axes = generators.passages(perplexities(**values), {"g": "G"}, "36 test replies").axes[0]
    assert len({container[0].get_marker() for container in axes.containers}) == 5
    assert {text.get_color() for text in axes.texts} == {"black"}


def test_replies_that_are_fewer_for_some_are_at_most_so_many() -> None:
    scores = tidy({"g": {"examples": 9}, "h": {"examples": 1200}}, ["system"])
    assert generators.replies_tested(scores) == "at most 1,200 test replies"


def test_names_on_many_lines_do_not_meet() -> None:
    names = {name: f"LoRA on guanaco with persona and reranked passages ({name})" for name in ("g", "h")}
    scores = tidy({name: {"similarity": 0.4} for name in names}, ["system"])
    figure = generators.answered(scores, {"similarity": "like"}, names, "true", "n")
    figure.draw_without_rendering()
    first, second = (label.get_window_extent() for label in figure.axes[0].get_yticklabels())
    assert not first.overlaps(second)


def test_answers_stand_from_top_to_bottom_beside_what_the_true_replies_reach() -> None:
    estimated = {"similarity": 0.4, "similarity_low": 0.3, "similarity_high": 0.5}
    values = (("retrieved", 3.0), ("g", 9.0), ("targets", 2.5))
    scores = tidy({name: estimated | {"emotion_match": value} for name, value in values}, ["system"])
    names = {"retrieved": "Retrieval", "g": "G"}
    first, second = generators.answered(
        scores, {"similarity": "like", "emotion_match": "same"}, names, "by hand", "n"
    ).axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["Retrieval", "G"]
    assert first.get_ylim()[0] > first.get_ylim()[1]
    assert [line.get_xdata()[0] for line in second.lines] == [3.0, 9.0, 2.5]
    assert (first.get_xlabel(), second.get_xlabel()) == ("like", "same\n(by hand: 2.5)")


def test_a_similarity_below_zero_is_seen() -> None:
    estimated = {"similarity": 0.1, "similarity_low": -0.2, "similarity_high": 0.4}
    (axes,) = generators.answered(
        tidy({"g": estimated}, ["system"]), {"similarity": "like"}, {"g": "G"}, "true", "n"
    ).axes
    assert axes.get_xlim()[0] < -0.2
    above = {"similarity": 0.1, "similarity_low": 0.05, "similarity_high": 0.4}
    (axes,) = generators.answered(tidy({"g": above}, ["system"]), {"similarity": "like"}, {"g": "G"}, "true", "n").axes
    assert axes.get_xlim()[0] == 0


def test_a_generator_and_its_base_stand_under_their_own_names_in_the_legend_and_beside_their_label() -> None:
    values = {"b": {"perplexity": 11.0, "base_perplexity": 31.0}, "a": {"perplexity": 12.0, "base_perplexity": 32.0}}
    scores = tidy({name: each | {"examples": 9} for name, each in values.items()}, ["system"])
    axes = generators.perplexities(scores, {"b": "B", "a": "A"}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["B", "A"]
    drawn = {line.get_label(): [*zip(*line.get_data(), strict=True)] for line in axes.lines}
    assert drawn == {"base model": [(31, 0), (32, 1)], "generator": [(11, 0), (12, 1)]}


def test_the_held_out_loss_is_one_line_where_it_is_measured_more_seldom_than_the_other() -> None:
    rows = [("t", 0, math.nan, 4.0), ("t", 5, 3.8, math.nan), ("t", 9, 3.5, 3.0)]
    curves = pd.DataFrame(rows, columns=["generator", "step", "train_loss", "valid_loss"])
    (axes,) = generators.training(curves, {"t": "T"}).axes
    assert [[*zip(*line.get_data(), strict=True)] for line in axes.lines] == [[(5, 3.8), (9, 3.5)], [(0, 4), (9, 3)]]


def test_an_answer_stands_at_its_system_s_label_whatever_score_the_table_has_first() -> None:
    values = [("g", "similarity", 0.4), ("retrieved", "similarity", 0.3), ("retrieved", "self_bleu", 20.0)]
    values += [("g", "self_bleu", 30.0)]
    rows = [{"system": system, "score": score, "value": value} for system, score, value in values]
    scores = pd.DataFrame(rows).assign(low=math.nan, high=math.nan)
    names = {"retrieved": "Retrieval", "g": "G"}
    like, varied = generators.answered(scores, {"similarity": "like", "self_bleu": "varied"}, names, "true", "n").axes
    assert [label.get_text() for label in like.get_yticklabels()] == ["G", "Retrieval"]
    assert [bars[0].get_xydata().tolist() for bars in like.containers] == [[[0.4, 0]], [[0.3, 1]]]
    assert [bars[0].get_xydata().tolist() for bars in varied.containers] == [[[30, 0]], [[20, 1]]]
    colours = [bars[0].get_color() for bars in like.containers]
    assert colours[0] != colours[1]  # what writes from what retrieves
    assert colours == [bars[0].get_color() for bars in varied.containers]


def test_the_star_of_the_sweep_stands_at_the_point_that_was_chosen() -> None:
    points = {"0.1/1/1": {"distinct_2": 0.3}, "0.5/15/0.97": {"distinct_2": 0.5}, "0.9/30/0.95": {"distinct_2": 0.6}}
    (axes,) = generators.sweep(tidy({"g": points}, ["generator", "point"]), "0.5/15/0.97", {"g": "G"}).axes
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [[1, 0.5]]
