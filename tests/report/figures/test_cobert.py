import pandas as pd
import pytest

from attune.evaluation.tables import tidy
from attune.report.figures import cobert

SCORES = {"loss": 2.0, "mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.35}
MODELS = ("untrained", "baseline", "tuned", "attune")
RANKING = tidy(
    {"small": {domain: dict.fromkeys(MODELS, SCORES) for domain in ("happy", "all")}}, ["subset", "domain", "model"]
)


def test_bars_are_as_high_as_the_scores() -> None:
    figure = cobert.comparison(RANKING, "mrr", "MRR", chance=0.05)
    heights = {round(bar.get_height(), 6) for bar in figure.axes[0].patches}
    assert heights == {0.25}
    assert len(figure.axes[0].patches) == 8


def test_bars_carry_their_intervals() -> None:
    figure = cobert.comparison(RANKING, "mrr", "MRR")
    lines = [segment for lines in figure.axes[0].collections for segment in lines.get_segments()]
    assert len(lines) == 8
    for (_, low), (_, high) in lines:
        assert (low, high) == (pytest.approx(0.2), pytest.approx(0.35))


def test_chance_is_the_mean_of_the_reciprocal_ranks() -> None:
    assert cobert.chance_mrr(2) == 0.75


def test_points_stand_where_the_scores_are() -> None:
    values = {count: SCORES | {"mrr": value} for count, value in (("0", 0.1), ("5", 0.2), ("10", 0.3))}
    axes = cobert.personas(tidy(values, ["sentences"]), 100).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "5", "10"]
    assert list(axes.lines[0].get_ydata()) == [0.1, 0.2, 0.3]


def test_methods_stand_from_top_to_bottom() -> None:
    scores = tidy({"mean": {"tfidf": SCORES, "tuned": SCORES | {"mrr": 0.35}}}, ["domain", "model"])
    axes = cobert.methods(scores, ["tuned"], 100).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["tuned", "tfidf"]
    assert [line.get_marker() for line in axes.lines if line.get_marker() in "os"] == ["o", "s"]


def test_the_pareto_front_is_what_nothing_beats() -> None:
    points = pd.DataFrame(
        [("a", 0.0, 0.1), ("b", 1.0, 0.4), ("c", 1.0, 0.3), ("d", 2.0, 0.4), ("e", 9.0, 0.5), ("f", 8.0, 0.2)],
        columns=["model", "cost", "mrr"],
    )
    assert cobert.pareto_front(points)["model"].tolist() == ["a", "b", "e"]
    axes = cobert.costs(points, ["b"], "GFLOP", 0.1).axes[0]
    assert list(axes.lines[0].get_xdata()) == [0.0, 1.0, 9.0]
    assert sorted(text.get_text() for text in axes.texts) == list("abcdef")


def test_one_domain_is_its_own_mean() -> None:
    scores = tidy({domain: {"tuned": SCORES} for domain in ("all", "mean")}, ["domain", "model"])
    assert [axes.get_title() for axes in cobert.methods(scores, ["tuned"], 100).axes] == ["all"]


def test_the_transfer_table_has_rows_of_training_and_columns_of_testing() -> None:
    values = {"a": {"a": 0.5, "b": 0.25}, "b": {"a": 0.125, "b": 0.75}}
    scores = {row: {column: SCORES | {"mrr": value} for column, value in each.items()} for row, each in values.items()}
    axes = cobert.transfer(tidy(scores, ["trained", "tested"])).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.5, 0.25], [0.125, 0.75]]
    texts = {text.get_position(): text.get_text().splitlines()[0] for text in axes.texts}
    assert texts == {(0, 0): "0.50", (1, 0): "0.25", (0, 1): "0.12", (1, 1): "0.75"}
