from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, write_parquet
from attune.corpora import corpus
from stages.base_models import main
from tests.stages.small_project import change, small_project


def write_train_text(subset: Path) -> None:
    rows = [
        {
            "conv_id": f"c{at}",
            "emotion": "sad",
            "situation": "",
            "speakers": [0, 1],
            "utterances": [f"I lost {at} keys today.", "Oh no, where did you look?"],
        }
        for at in range(60)
    ]
    write_parquet(
        subset / "empathetic_dialogues" / "train.parquet", rows, corpus("empathetic_dialogues").schemas.conversations
    )


def test_a_small_base_is_pretrained_on_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    write_train_text(Path("data/subset"))
    main(name="gpt2", target=Path("models/base/gpt2"))
    figures = read_json(Path("models/base/gpt2/training.json"))
    assert figures["steps"] == 6
    assert figures["last_loss"] < figures["first_loss"]
    assert Path("models/base/gpt2/model.safetensors").is_file()
    assert not [path for path in Path(".checkpoints").iterdir() if path.is_dir()]


def test_a_directory_given_as_base_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        Path("mine").mkdir(exist_ok=True)
        (Path("mine") / name).write_text("{}")
    change(lambda values: values["bases"]["gpt2"].update(model="./mine"))
    main(name="gpt2", target=Path("models/base/gpt2"))
    assert {path.name for path in Path("models/base/gpt2").iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }


def test_encoder_and_embedder_are_the_installed_minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    for name in ("encoder", "embedder"):
        main(name=name, target=Path(f"models/base/{name}"))
        assert Path(f"models/base/{name}/modules.json").is_file()


def test_an_unknown_name_lists_the_bases_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"there is no base 'gpt9'; params\.yaml has gpt2"):
        main(name="gpt9", target=Path("models/base/gpt9"))
    assert not Path("models").exists() or not list(Path("models/base").iterdir())


def test_the_text_that_is_absent_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"empathetic_dialogues/train\.parquet is missing"):
        main(name="gpt2", target=Path("models/base/gpt2"))
