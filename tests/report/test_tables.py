import math
from pathlib import Path

from attune import parameters
from attune.core.files import write_json
from attune.evaluation.tables import tidy
from attune.report.results import Results
from attune.report.tables import ranking_table, summary, wide
from tests.project import changed

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


def test_the_summary_is_of_the_first_subset_s_mean_and_of_what_a_reader_can_give_a_generator(tmp_path: Path) -> None:
    domains = {"all": 0.5, "happy": 0.75, "mean": 0.625}
    subsets = {"large": 0.125, "small": 0.0}
    ranks = {
        subset: {domain: {"untrained": {"mrr": mrr + more, "r@1": 0.1}} for domain, mrr in domains.items()}
        for subset, more in subsets.items()
    }
    write_json(tmp_path / "cobert_intervals.json", ranks)
    variants = ("", "+rag", "+persona_rag", "+other_rag", "+oracle_rag")
    scores = {f"full{each}": {"perplexity": 20.0 - at, "bleu": 1.0} for at, each in enumerate(variants)}
    write_json(tmp_path / "generators.json", scores)
    changes = ("cobert.subsets", ["large", "small"]), ("cobert.domains", ["all", "happy"])
    found = summary(Results(parameters.load(changed(tmp_path, *changes)), metrics=tmp_path))
    assert found["untrained"] == {"mrr": 0.75}
    assert found["full"] == {"perplexity": 20.0, "with_passages": 19.0, "reranked": 18.0}
