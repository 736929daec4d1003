"""A card has the scores of the weights that it is about, or none."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from attune.core.files import write_json
from attune.export.models import card, export
from tests.chat.tiny_pipeline import built
from tests.export.records import ROWS, record, write_rows

RANKER = "attune-small-happy"
MODELS = {f"cobert/{RANKER}": "evaluate_cobert", "generators/full": "compare_generators"}
TRAINED = {f"cobert/{RANKER}": f"train_cobert@{RANKER}", "generators/full": "train_generator@full"}


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of which all was trained and tested, and a second CoBERT."""
    folder = built(tmp_path_factory)
    shutil.copytree(folder / "models/cobert" / RANKER, folder / "models/cobert/baseline-small-happy")
    ranking = {recipe: {"mrr": 0.5, "mrr_low": 0.4, "mrr_high": 0.6} for recipe in ("attune", "baseline")}
    write_json(folder / "metrics/cobert_intervals.json", {"small": {"happy": ranking}})
    scores = {"perplexity": 12.5, "perplexity_low": 10.25, "perplexity_high": 15.0}
    write_json(folder / "metrics/generators_intervals.json", {"full": scores, "persona": scores})
    write_rows(folder, "full", "persona")
    record(folder)
    return folder


def trained_again(root: Path, model: str) -> None:
    """Other weights, and what DVC writes down after a training."""
    weights = root / "models" / model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    record(root, TRAINED[model])


def shown(root: Path, model: str) -> bool:
    """Whether the card has scores, in its text and for the hub's index alike."""
    text = card(root / "models" / model, root)
    assert bool(ModelCard(text).data.eval_results) != ("Not measured." in text)
    return "Not measured." not in text


@pytest.mark.parametrize("model", MODELS)
def test_scores_of_another_training_are_not_shown_and_the_card_says_what_measures_them(root: Path, model: str) -> None:
    assert shown(root, model)
    trained_again(root, model)
    text = card(root / "models" / model, root)
    assert not shown(root, model)
    assert f"`dvc repro {MODELS[model]}` measures them." in text
    assert "0.500" not in text
    assert "12.500" not in text


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_not_shown_where_the_folder_or_the_file_is_not_what_was_recorded(root: Path, model: str) -> None:
    kept = (root / "models" / model / "config.json").read_text()
    (root / "models" / model / "config.json").write_text(f"{kept} ")
    assert not shown(root, model)
    (root / "models" / model / "config.json").write_text(kept)
    (root / "models" / model / ".DS_Store").touch()  # what a file manager leaves, DVC passes over by .dvcignore
    assert shown(root, model)
    (scores,) = (root / "metrics").glob(f"{model.split('/')[0]}_intervals.json")
    scores.write_text(f"{scores.read_text()} ")
    assert not shown(root, model)


def test_scores_are_not_shown_without_a_record_of_training_or_test(root: Path) -> None:
    (root / "dvc.lock").unlink()
    assert not any(shown(root, model) for model in MODELS)
    record(root, *TRAINED.values())
    assert not any(shown(root, model) for model in MODELS)


def test_a_new_test_counts_once_the_scores_are_of_it(root: Path) -> None:
    trained_again(root, "generators/full")
    (root / ROWS / "full.parquet").write_text("other rows")
    record(root, "evaluate_generator@full")
    assert not shown(root, "generators/full")
    write_json(root / "metrics/generators_intervals.json", {"full": {"perplexity": 11.5}})
    record(root, "compare_generators")
    assert shown(root, "generators/full")


def test_a_generator_that_left_the_parameters_takes_no_scores_from_the_others(root: Path) -> None:
    (root / ROWS / "persona.parquet").unlink()
    lock = (root / "dvc.lock").read_text()
    record(root, "compare_generators")  # its dvc.lock still has the test of `persona`
    assert "evaluate_generator@persona" in (root / "dvc.lock").read_text() != lock
    assert shown(root, "generators/full")


def test_an_exported_card_is_held_to_the_same(root: Path, tmp_path: Path) -> None:
    trained_again(root, "generators/full")
    export(root / "models/generators/full", tmp_path / "full")
    assert ModelCard.load(tmp_path / "full" / "README.md").data.eval_results is None
    export(root / "models/cobert" / RANKER, tmp_path / "ranker")
    assert ModelCard.load(tmp_path / "ranker" / "README.md").data.eval_results
