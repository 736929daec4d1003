import pandas as pd
import pytest

from attune.evaluation.tables import tidy
from attune.report.figures import cobert

SCORES = {"loss": 2.0, "mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.35}
MODELS = ("untrained", "baseline", "tuned", "attune")
RANKING = tidy(
    {"small": {domain: dict.fromkeys(MODELS, SCORES) for domain in ("happy", "all")}}, ["subset", "domain", "model"]
)


def test_marks_stand_at_the_scores_with_their_intervals() -> None:
    axes = cobert.comparison(RANKING, "mrr", "MRR", chance=0.05).axes[0]
    assert {
        x for marks in axes.collections if marks.get_label() in ("happy", "all") for x, _ in marks.get_offsets()
    } == {0.25}
    reaches = [segment for bars in axes.containers for segment in bars[2][0].get_segments()]
    assert len(reaches) == 8
    for (low, _), (high, _) in reaches:
        assert (low, high) == (pytest.approx(0.2), pytest.approx(0.35))
    assert list(axes.lines[-1].get_xdata()) == [0.05, 0.05]


def test_the_mean_alone_is_labelled() -> None:
    domains = ("happy", "all", "mean")
    scores = tidy({"small": {domain: {"a": SCORES} for domain in domains}}, ["subset", "domain", "model"])
    assert [text.get_text() for text in cobert.comparison(scores, "mrr", "MRR").axes[0].texts] == ["0.25"]


def test_training_has_a_panel_per_recipe_and_subset() -> None:
    rows = [
        {"recipe": recipe, "subset": subset, "domain": "all", "epoch": epoch, "train_loss": loss, "valid_loss": 3.0}
        | {"valid_mrr": mrr}
        for recipe in ("a", "b")
        for subset in ("large", "small")
        for epoch, loss, mrr in ((0, None, 0.5), (1, 2.0, 0.25), (2, 1.5, 0.25))
    ]
    axes = cobert.training(pd.DataFrame(rows)).axes
    titles = [each.get_title() for each in axes if each.get_title()]
    assert titles == [f"{r}, {s} subset" for r in "ab" for s in ("large", "small")]
    assert [list(line.get_ydata()) for line in axes[0].lines] == [[3.0, 3.0, 3.0], [2.0, 1.5]]
    ranks, chosen = axes[2].lines  # the weights are of the first trained epoch that is best
    assert list(ranks.get_ydata()) == [0.5, 0.25, 0.25]
    assert (list(chosen.get_xdata()), chosen.get_marker()) == ([1], "*")


def test_a_single_domain_is_drawn_once_and_with_numbers() -> None:
    scores = tidy({"small": {domain: {"a": SCORES} for domain in ("all", "mean")}}, ["subset", "domain", "model"])
    figure = cobert.comparison(scores, "mrr", "MRR")
    (axes,) = figure.axes
    assert [marks.get_label() for marks in axes.collections if marks.get_label() in ("all", "mean")] == ["all"]
    assert [text.get_text() for text in axes.texts] == ["0.25"]


def test_many_domains_look_different_and_have_room() -> None:
    domains = [f"d{number}" for number in range(9)]
    of_domains = {domain: {"a": SCORES} for domain in (*domains, "mean")}
    figure = cobert.comparison(tidy({"small": of_domains}, ["subset", "domain", "model"]), "mrr", "MRR")
    known = {str(marks.get_label()): marks for marks in figure.axes[0].collections}
    looks = {
        (tuple(known[each].get_edgecolors()[0]), known[each].get_paths()[0].vertices.tobytes()) for each in domains
    }
    assert len(looks) == len(domains)
    few = cobert.comparison(RANKING, "mrr", "MRR")
    assert figure.get_figheight() > few.get_figheight() - 0.5 * (len(MODELS) - 1)


def test_chance_is_the_mean_of_the_reciprocal_ranks() -> None:
    assert cobert.chance_mrr(2) == 0.75


def test_points_stand_where_the_scores_are() -> None:
    values = {count: SCORES | {"mrr": value} for count, value in (("0", 0.1), ("5", 0.2), ("10", 0.3))}
    axes = cobert.personas(tidy(values, ["sentences"]), "100 candidates", "tuned, small subset, domain all").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "5", "10"]
    assert list(axes.lines[0].get_ydata()) == [0.1, 0.2, 0.3]
    assert axes.get_title() == "Number of persona sentences\n(tuned, small subset, domain all)"


def test_methods_stand_from_the_best_to_the_worst_and_trained_ones_are_filled() -> None:
    scores = tidy({"tfidf": SCORES, "tuned": SCORES | {"mrr": 0.35}}, ["model"])
    (axes,) = cobert.methods({"domain all": scores}, ["tuned"], "100 candidates").axes
    assert axes.get_title() == "domain all"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["tuned", "TF-IDF of the context"]
    (marks,) = (each for each in axes.collections if each.get_label() == "mean")
    assert marks.get_facecolors()[:, :3].tolist() == [[1, 1, 1], [0, 0, 0]]  # in the order of the table


def test_the_pareto_front_is_what_nothing_beats() -> None:
    points = pd.DataFrame(
        [("a", 0.0, 0.1), ("b", 1.0, 0.4), ("c", 1.0, 0.3), ("d", 2.0, 0.4), ("e", 9.0, 0.5), ("f", 8.0, 0.2)],
        columns=["model", "cost", "mrr"],
    )
    assert cobert.pareto_front(points)["model"].tolist() == ["a", "b", "e"]
    quality, cost = cobert.costs(points, ["b"], "GFLOP", 0.1).axes
    for axes, front in ((quality, [0.1, 0.4, 0.5]), (cost, [0.0, 1.0, 9.0])):
        (rings,) = (line for line in axes.lines if line.get_label() == "Pareto front")
        assert (list(rings.get_xdata()), list(rings.get_ydata())) == (front, [0, 2, 5])


def test_ways_to_match_stand_from_the_cheapest_to_the_dearest_with_mrr_and_cost() -> None:
    points = pd.DataFrame(
        [("tuned", 5.0, 0.35), ("tfidf", 0.0, 0.25), ("max_sim", 5.0, 0.3)], columns=["model", "cost", "mrr"]
    )
    quality, cost = cobert.costs(points, ["tuned", "max_sim"], "GFLOP", 0.1).axes
    assert [label.get_text() for label in quality.get_yticklabels()] == ["TF-IDF of the context", "MaxSim", "tuned"]
    assert quality.get_ylim() == (2.5, -0.5) == cost.get_ylim()
    assert [(text.get_text(), text.xy[1]) for text in quality.texts] == [("0.25", 0), ("0.30", 1), ("0.35", 2)]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in cost.lines}
    assert drawn["trained"] == ([5.0, 5.0], [1, 2])
    assert drawn["not trained"] == ([0.0], [0])
    assert cost.get_xscale() == "symlog"  # which has a place for 0
    assert cobert.costs(points[points["cost"] > 0], ["tuned"], "GFLOP", 0.1).axes[1].get_xscale() == "log"


def test_a_method_that_is_not_in_a_panel_is_left_out_there() -> None:
    panels = {
        "domain all": tidy({"tuned": SCORES, "max_sim": SCORES | {"mrr": 0.35}}, ["model"]),
        "mean of all and happy": tidy({"tuned": SCORES | {"mrr": 0.3}}, ["model"]),
    }
    left, right = cobert.methods(panels, ["tuned"], "100 candidates").axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["MaxSim", "tuned"]
    assert [text.get_text() for text in left.texts] == ["0.25", "0.35"]
    assert [(text.get_text(), text.xy[1]) for text in right.texts] == [("0.30", 1)]


def test_the_transfer_table_has_rows_of_training_and_columns_of_testing() -> None:
    values = {"a": {"a": 0.5, "b": 0.25}, "b": {"a": 0.125, "b": 0.75}}
    scores = {row: {column: SCORES | {"mrr": value} for column, value in each.items()} for row, each in values.items()}
    axes = cobert.transfer(tidy(scores, ["trained", "tested"])).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.5, 0.25], [0.125, 0.75]]
    texts = {text.get_position(): text.get_text().splitlines()[0] for text in axes.texts}
    assert texts == {(0, 0): "0.50", (1, 0): "0.25", (0, 1): "0.12", (1, 1): "0.75"}


def test_scores_without_intervals_are_drawn_alone() -> None:
    alone = tidy({"a": {"a": {"mrr": 0.5}}}, ["trained", "tested"])
    assert [text.get_text() for text in cobert.transfer(alone).axes[0].texts] == ["0.50"]
    mean = tidy({"small": {"mean": {"a": {"mrr": 0.5}}}}, ["subset", "domain", "model"])
    (label,) = cobert.comparison(mean, "mrr", "MRR").axes[0].texts
    assert (label.get_text(), label.xy) == ("0.50", (0.5, 0))


def test_each_subset_s_panel_has_its_own_scores_with_the_first_model_on_top() -> None:
    values = {"large": {"a": 0.3, "b": 0.4}, "small": {"a": 0.1, "b": 0.2}}
    scores = {
        subset: {"all": {model: SCORES | {"mrr": value} for model, value in models.items()}}
        for subset, models in values.items()
    }
    panels = cobert.comparison(tidy(scores, ["subset", "domain", "model"]), "mrr", "MRR").axes
    for axes, (subset, models) in zip(panels, values.items(), strict=True):
        assert axes.get_title() == f"{subset} subset"
        assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [
            (f"{value:.2f}", place) for place, value in enumerate(models.values())
        ]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["a", "b"]


def test_domains_that_are_trained_on_differ_in_colour_and_have_theirs_in_both_panels() -> None:
    rows = [
        {"recipe": "a", "subset": "small", "domain": domain, "epoch": epoch, "train_loss": 2.0, "valid_loss": loss}
        | {"valid_mrr": 0.5}
        for domain, loss in (("happy", 3.0), ("sad", 4.0))
        for epoch in (0, 1)
    ]
    losses, ranks = cobert.training(pd.DataFrame(rows)).axes
    named = {line.get_label(): line for line in losses.lines if line.get_label() in ("happy", "sad")}
    assert {domain: list(line.get_ydata()) for domain, line in named.items()} == {"happy": [3, 3], "sad": [4, 4]}
    colours = [line.get_color() for line in named.values()]
    assert colours[0] != colours[1]
    assert [line.get_color() for line in ranks.lines] == [colours[0]] * 2 + [colours[1]] * 2
