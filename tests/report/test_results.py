from pathlib import Path

import pandas as pd
import pytest

from attune import parameters
from attune.core.damage import DamagedFile
from attune.core.errors import AttuneError
from attune.core.files import write_csv, write_json
from attune.corpora import record_of
from attune.report.results import Results
from attune.sources.manifest import Origin, build
from tests.project import changed


@pytest.fixture
def results(tmp_path: Path) -> Results:
    settings = parameters.load(
        changed(
            tmp_path,
            ("cobert.subsets", ["small"]),
            ("cobert.domains", ["happy", "all"]),
            ("personas.counts", [0, 5, 10]),
        )
    )
    return Results(settings, metrics=tmp_path)


def test_models_and_domains_are_in_the_order_of_the_parameters(results: Results, tmp_path: Path) -> None:
    models = {model: {"mrr": 0.5, "mrr_low": 0.25, "mrr_high": 0.75} for model in sorted(results.models)}
    write_json(tmp_path / "cobert_intervals.json", {"small": dict.fromkeys(("all", "happy", "mean"), models)})
    assert results.ranking["domain"].unique().tolist() == ["happy", "all", "mean"]
    assert results.ranking["model"].tolist() == ["untrained", "baseline", "tuned", "attune"] * 3
    assert set(zip(results.ranking["value"], results.ranking["low"], results.ranking["high"], strict=True)) == {
        (0.5, 0.25, 0.75)
    }


def test_numbers_of_persona_sentences_are_in_the_order_of_numbers(results: Results, tmp_path: Path) -> None:
    write_json(tmp_path / "personas.json", {"0": {"mrr": 0.1}, "10": {"mrr": 0.3}, "5": {"mrr": 0.2}})
    assert results.personas["sentences"].tolist() == ["0", "5", "10"]


def test_curves_are_read_to_the_last_bit(results: Results, tmp_path: Path) -> None:
    loss = 0.1 + 0.2  # 0.30000000000000004
    for name in results.settings.generators:
        row = {"step": 0, "epoch": 0.0, "train_loss": None, "valid_loss": loss}
        write_csv(tmp_path / "curves" / "generators" / f"{name}.csv", [row])
    assert results.generator_curves["valid_loss"].unique().tolist() == [loss]
    assert results.generator_curves["train_loss"].isna().all()


def test_lengths_count_the_words_between_spaces_and_each_ideograph(results: Results, tmp_path: Path) -> None:
    for name in results.settings.corpora:
        record = record_of(name)
        if record.lengths:
            row = dict.fromkeys(record.lengths.values(), "It's a dog . 我很 ok")
            path = tmp_path / "processed" / name / record.train_rows
            path.parent.mkdir(parents=True)
            pd.DataFrame([row]).to_parquet(path)
    assert set(Results(results.settings, processed=tmp_path / "processed").lengths["words"]) == {7}


def test_generators_with_passages_are_those_that_were_evaluated_with_them(results: Results, tmp_path: Path) -> None:
    first, second, *_ = results.settings.generators
    systems = (first, f"{first}+rag", second)
    write_json(tmp_path / "generators_intervals.json", {system: {"perplexity": 20.0} for system in systems})
    assert results.retrieval_augmented == [first]


def test_generators_with_personas_are_those_that_were_evaluated_without_them(results: Results, tmp_path: Path) -> None:
    first, second, *_ = results.settings.generators
    systems = (first, second, f"{second}+no_persona")
    write_json(tmp_path / "generators_intervals.json", {system: {"perplexity": 20.0} for system in systems})
    assert results.also_tested_without_persona == [second]


def test_the_best_point_of_the_sweep_is_no_score(results: Results, tmp_path: Path) -> None:
    points = {"a": {"distinct_1": 0.5}, "b": {"best": True, "distinct_1": 0.75}}
    write_json(tmp_path / "decoding.json", {"g": points, "h": points})
    assert results.best_point == "b"
    assert results.decoding["value"].tolist() == [0.5, 0.75] * 2
    assert results.decoding["value"].dtype == float


def test_a_table_of_a_file_that_was_not_passed_is_an_error(results: Results) -> None:
    with pytest.raises(KeyError, match="probe"):
        _ = results.probe


def test_what_is_left_of_a_corpus_that_was_taken_out_has_no_manifest(tmp_path: Path) -> None:
    settings = parameters.load(changed(tmp_path))
    for name in ("mine", *settings.corpora):
        write_json(tmp_path / name / "manifest.json", build(name, tmp_path, Origin("sample", ""), {}, 0))
    found = [each["corpus"] for each in Results(settings, raw=tmp_path).manifests]
    assert found == sorted(settings.corpora)


@pytest.mark.fault("a torn table of examples under the report", "the file is named, and what brings it back")
def test_a_damaged_table_of_examples_is_named(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "cobert.parquet"
    pd.DataFrame({"mrr": [0.5] * 99}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AttuneError, match=r"cobert\.parquet is not a complete parquet file .*`dvc checkout` brings"):
        _ = Results(results.settings, ranked=path).ranked


@pytest.mark.parametrize(
    ("name", "content", "table"),
    [
        ("probe", [], "probe"),
        ("probe", {"accuracy": 0.5}, "probe"),
        ("cobert_intervals", {"small": 1}, "ranking"),
        ("cobert_intervals", {"tiny": {"all": {"attune": {"mrr": 0.5}}}}, "ranking"),
        ("cobert_tests", [{"p": 0.5}], "ranking_tests"),
        ("generators_intervals", [], "generator_intervals"),
        ("decoding", {"full": 0.5}, "decoding"),
    ],
)
@pytest.mark.fault("scores of another shape", "the file is named")
def test_scores_of_another_shape_are_named(
    results: Results, tmp_path: Path, name: str, content: object, table: str
) -> None:
    write_json(tmp_path / f"{name}.json", content)
    found = Results(results.settings, metrics=tmp_path, probe=tmp_path / "probe.json")
    with pytest.raises(DamagedFile, match=rf"{name}\.json has "):
        getattr(found, table)


@pytest.mark.parametrize("name", ["power", "seeds", "contamination", "everyday_tests"])
def test_a_study_of_another_shape_is_named(results: Results, tmp_path: Path, name: str) -> None:
    for content in ([{}], {"interval": 1}):
        write_json(tmp_path / f"{name}.json", content)
        with pytest.raises(DamagedFile, match=rf"{name}\.json has another shape"):
            results.metrics(name)


def test_torn_answers_and_curves_are_named(results: Results, tmp_path: Path) -> None:
    answers, curve = tmp_path / "answers.csv", tmp_path / "curves/generators/full.csv"
    curve.parent.mkdir(parents=True)
    for path in (answers, curve):
        path.write_text("question,generator,answer,truncated\nWho?,fu")
    with pytest.raises(DamagedFile, match=r"answers\.csv is torn: row 1"):
        _ = Results(results.settings, answers=answers).answers
    with pytest.raises(DamagedFile, match=r"\.csv has no column train_loss"):
        _ = Results(changed_to_one(results), metrics=tmp_path).generator_curves


def changed_to_one(results: Results) -> parameters.Parameters:
    """The settings with the generator `full` alone."""
    generators = {"full": results.settings.generators["full"]}
    return results.settings.model_copy(update={"generators": generators})
