import itertools

import pandas as pd
import pytest

from attune.evaluation.tables import tidy
from attune.report.figures import cobert
from attune.report.names import ranking_name

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
    axes = cobert.costs(points, ["b"], "GFLOP", 0.1).axes[0]
    assert list(axes.lines[0].get_xdata()) == [0.0, 1.0, 9.0]
    assert sorted(text.get_text() for text in axes.texts) == list("abcdef")


def test_names_of_points_lie_near_them_in_their_order_and_on_no_other_name_and_no_point() -> None:
    rows = [
        ("tfidf", 0.0, 0.312), ("bm25", 0.0, 0.297), ("cosine", 0.4, 0.429), ("cosine_bm25", 0.97, 0.444),
        ("cosine_context", 0.97, 0.474), ("cosine_persona", 1.66, 0.261), ("no_persona", 1.17, 0.42),
        ("attune", 2.66, 0.507), ("attune before training", 2.66, 0.5), ("poly_encoder", 3.9, 0.439),
        ("hard_negatives", 3.89, 0.4325), ("bi_encoder", 3.89, 0.431), ("max_sim", 4.3, 0.407), ("tuned", 4.8, 0.413),
        ("baseline before training", 4.8, 0.132), ("cross_encoder", 98.3, 0.305),
    ]  # fmt: skip
    points = pd.DataFrame(rows, columns=["model", "cost", "mrr"])
    figure = cobert.costs(points, ["attune"], "GFLOP", 0.1)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_ylim()[0] == 0.1  # the tenth below the lowest
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    marks = axes.transData.transform(points[["cost", "mrr"]].to_numpy())
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes.values(), 2))
    assert not any(name.contains(*mark) for name in boxes.values() for mark in marks)
    own = {ranking_name(model): mark for (model, *_), mark in zip(rows, marks, strict=True)}
    middles = {name: (box.y0 + box.y1) / 2 for name, box in boxes.items()}
    line = boxes["attune"].height
    for name, box in boxes.items():
        assert abs(middles[name] - own[name][1]) < 2.5 * line
        assert min(abs(box.x0 - own[name][0]), abs(box.x1 - own[name][0])) < 2.5 * line
    close = [boxes[ranking_name(each)] for each in ("poly_encoder", "hard_negatives", "bi_encoder")]
    assert all(above.y0 > below.y1 for above, below in itertools.pairwise(close))


def test_a_line_to_a_name_leads_over_no_other_point() -> None:
    rows = [
        ("cosine_last", 0.4, 0.43), ("cosine_context", 1.0, 0.474), ("cosine_bm25", 1.0, 0.444),
        ("no_persona", 1.2, 0.42), ("attune", 2.7, 0.507), ("poly_encoder", 3.9, 0.439),
    ]  # fmt: skip
    points = pd.DataFrame(rows, columns=["model", "cost", "mrr"])
    axes = cobert.costs(points, ["attune"], "GFLOP", 0.1).axes[0]
    _front, *lines = [line.get_xydata() for line in axes.lines if len(line.get_xydata()) > 1]
    assert len(lines) == len(rows)
    for (cost, level), (end, moved) in lines:
        low, high = sorted((level, moved))
        crossed = [each for each in rows if min(cost, end) <= each[1] <= max(cost, end) and low < each[2] < high]
        assert crossed == []


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
