import re
import shutil
from pathlib import Path

import pytest
import torch

from attune.cobert import training
from attune.core.cores import WORKERS
from attune.core.errors import AttuneError
from attune.core.files import read_csv, read_json, sha256, write_json, write_parquet
from attune.export import models
from attune.inference.ranker import Ranker
from stages import base_models
from tests.cobert.tiny import encoder
from tests.project import changed, read
from tests.stages.cobert_project import (
    ENCODER,
    RECIPE,
    SCHEMAS,
    evaluate,
    pec_rows,
    project,
    train,
    train_on,
    train_once,
)
from tests.training.interruption import edited, interrupted, unfinished


def test_a_run_writes_model_and_curve_twice_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time on two cores."""
    project(tmp_path, monkeypatch)
    train_once("baseline")
    monkeypatch.setenv(WORKERS, "2")
    train("baseline", "again")
    first, second = (Path(f"models/{name}-small-happy") for name in ("baseline", "again"))
    names = sorted(path.name for path in first.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(names)
    assert not any(name.endswith((".bin", ".pt")) for name in names)
    same = [name for name in names if name != "README.md"]
    assert [sha256(first / name) for name in same] == [sha256(second / name) for name in same]
    cards = [(folder / "README.md").read_text() for folder in (first, second)]
    assert cards[0].replace("baseline-small", "again-small") == cards[1]
    curve = read_csv(Path("models/baseline-small-happy.csv"))
    assert [row["epoch"] for row in curve] == ["0", "1", "2"]
    assert list(Path(".checkpoints").glob("*/")) == []


def test_an_empty_split_is_refused_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    write_parquet(Path("pec/small/happy/valid.parquet"), [], SCHEMAS.rows)
    with pytest.raises(AttuneError, match=r"valid\.parquet has no rows"):
        train("baseline")
    assert not Path("models").exists()


@pytest.mark.parametrize("family", ["roberta", "gpt2"])
def test_any_encoder_s_directory_trains_and_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], family: str
) -> None:
    """As `-S encoder=DIRECTORY` gives it, with more layers to freeze and longer turns to read than it has."""
    project(tmp_path, monkeypatch)
    encoder(tmp_path / "theirs", family)
    changed(
        tmp_path, ("encoder", "./theirs"), ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]),
        ("cobert.candidates", 10),
    )  # fmt: skip
    shutil.rmtree(ENCODER)
    base_models.main(name="encoder", target=ENCODER)
    for recipe in ("baseline", "tuned", "attune"):
        write_json(Path(f"recipes/{recipe}.json"), RECIPE | {"frozen_layers": 4, "turn_length": 600, "max_length": 900})
        train(recipe)
    told, positions = capsys.readouterr().out, {"roberta": 126, "gpt2": 127}[family]
    assert "frozen_layers: 2, since the encoder's highest layer is always trained" in told
    assert f"\nturn_length: {positions}, since the encoder has no more positions" in told
    assert "\nmax_length: 128, since the encoder has no more positions" in told
    config, card = read_json(Path("models/tuned-small-happy/config.json")), Path("models/tuned-small-happy/README.md")
    assert (config["context_length"], config["turn_length"]) == (128, positions)
    assert "| max_length | 128 |" in card.read_text()
    assert f"| turn_length | {positions} |" in card.read_text()
    evaluate("m")
    found = read_json(Path("m.json"))["small"]["happy"]
    assert found["baseline"]["loss"] != found["untrained"]["loss"]


def test_the_card_has_data_recipe_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    train_once("baseline")
    card = Path("models/baseline-small-happy/README.md").read_text()
    curve = read_csv(Path("models/baseline-small-happy.csv"))
    # Neither licence nor language, which depend on where the data and the encoder come from.
    assert card.startswith("---\nlibrary_name: transformers\ntags: ")
    assert "32 conversations for training and 16 for validation, from `pec/small/happy`" in card
    assert "| score_scale | 0.05 |" in card
    assert all(f"| {row['epoch']} | {row['valid_loss']} | {row['valid_mrr']} |" in card for row in curve)


def test_bf16_in_vain_is_said_in_the_log_and_on_the_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)  # of a GPU, where there is one
    write_json(Path("recipes/half.json"), RECIPE | {"bf16": True})
    changed(tmp_path, ("recipes.half", read()["recipes"]["baseline"] | {"bf16": True}))
    for recipe, in_vain in (("baseline", False), ("half", True)):
        folder = Path(f"models/cobert/{recipe}-small-happy")
        train_on("happy", recipe, str(folder))
        assert capsys.readouterr().out.count("bf16: float32 instead, since ") == in_vain
        said = "| bf16 | True, but it was trained in float32 |"
        assert (said in (folder / "README.md").read_text()) == in_vain
        assert ("training_precision" in read_json(folder / "config.json")) == in_vain
        assert (said in models.card(folder.absolute(), tmp_path)) == in_vain


def test_the_last_line_is_of_the_weights_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, monkeypatch)
    write_json(Path("recipes/destroyed.json"), RECIPE | {"lr": 0.1, "interpolate": True})
    train("destroyed")
    *_, tried, last = capsys.readouterr().out.splitlines()
    scores = [float(each) for each in re.findall(r": (\d\.\d{4})", tried)]
    assert len(scores) == 6
    assert max(scores) > scores[-1]  # without interpolation
    assert round(float(last.split(" -> ")[1]), 4) == max(scores)


def test_the_card_and_the_log_say_that_the_untrained_model_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, monkeypatch)
    write_json(Path("recipes/destroyed.json"), RECIPE | {"lr": 0.5, "interpolate": True})
    train("destroyed")
    *_, tried, last = capsys.readouterr().out.splitlines()
    assert tried.endswith("; kept the untrained model")
    before, after = last.partition("valid MRR ")[2].split(" -> ")
    assert before == after
    card = Path("models/destroyed-small-happy/README.md").read_text()
    assert "The weights are those of the untrained model, epoch 0: nothing that training changed" in card
    assert "a share of" not in card


def test_a_model_folder_without_weights_says_which_stage_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    train_once("baseline")
    Path("models/baseline-small-happy/model.safetensors").unlink()
    with pytest.raises(AttuneError, match=r"baseline-small-happy holds no CoBERT.*`dvc repro train_cobert`"):
        Ranker.from_pretrained("models/baseline-small-happy")


@pytest.mark.parametrize(("reply", "share"), [("狗 狗 狗 dog", 33), ("狗 dog dog dog", 0)])
def test_an_encoder_that_does_not_know_the_words_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reply: str, share: int
) -> None:
    """Each row has three texts; one unknown word of four is no cause for a warning."""
    project(tmp_path, monkeypatch)
    texts = {"context": ["my dog"], "context_speakers": ["a"], "personas": ["i love my cat"], "response": reply}
    rows = [row | texts for row in pec_rows(8, "t")]
    write_parquet(Path("pec/small/happy/train.parquet"), rows, SCHEMAS.rows)
    write_json(Path("recipes/baseline.json"), RECIPE | {"epochs": 1})
    train("baseline")
    said = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    start = f"warning: {share}% of the training texts consist mostly of words that base/encoder does not know"
    assert [line.rpartition(":")[0] for line in said] == ([start] if share else [])
    assert all(line.endswith("set `encoder` in params.yaml to an encoder of their language") for line in said)


def test_only_the_same_training_resumes_from_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same recipe but for its processes, data, encoder, code and target."""
    project(tmp_path, monkeypatch)
    monkeypatch.setattr(training, "train", interrupted)

    def found(name: str = "") -> set[str]:
        with pytest.raises(KeyboardInterrupt):
            train("baseline", name)
        return unfinished()

    first = found()
    write_json(Path("recipes/baseline.json"), RECIPE | {"processes": 1})
    assert found() == first
    write_json(Path("recipes/baseline.json"), RECIPE | {"lr": 0.5})
    keys = [first, found()]
    for split in ("train", "valid"):
        write_parquet(Path(f"pec/small/happy/{split}.parquet"), pec_rows(20, split), SCHEMAS.rows)
        keys.append(found())
    encoder(ENCODER, num_hidden_layers=2)
    keys += [found(), found("other")]
    for file in ("stages/train_cobert.py", "attune/cobert/matchers.py"):
        with edited(file, monkeypatch):
            keys.append(found())
    assert [len(each) for each in keys] == list(range(1, 9))
