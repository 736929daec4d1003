import math

from attune.evaluation.tables import tidy
from attune.report.tables import ranking_table, wide

SCORES = {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.3, "loss": 2.0}


def test_a_wide_table_has_one_row_per_system_and_one_column_per_score_and_bound() -> None:
    table = wide(tidy({"happy": {"a": SCORES, "b": {"mrr": 0.5}}}, ["domain", "model"]))
    assert list(table) == ["domain", "model", "mrr", "mrr_low", "mrr_high", "loss"]
    first, second = table.to_dict("records")
    assert first == {"domain": "happy", "model": "a", **SCORES}
    assert second["mrr"] == 0.5
    assert math.isnan(second["loss"])


def test_the_ranking_table_has_one_row_per_model() -> None:
    domains = {domain: {"b": SCORES, "a": SCORES} for domain in ("happy", "all", "mean")}
    table = ranking_table(tidy({"small": domains}, ["subset", "domain", "model"]))
    assert list(table) == ["subset", "domain", "model", "loss", "mrr", "mrr_high", "mrr_low"]
    assert table["domain"].tolist() == ["happy", "happy", "all", "all"]
    assert table["model"].tolist() == ["b", "a"] * 2
