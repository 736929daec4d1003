from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from stages.base_models import main
from tests.generators.tiny import llama, saved
from tests.stages.small_project import change, small_project


def test_a_directory_given_as_base_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    saved(llama(), Path("mine"))
    change(lambda values: values["bases"]["gpt2"].update(model="./mine"))
    main(name="gpt2", target=Path("models/base/gpt2"))
    assert {path.name for path in Path("models/base/gpt2").iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_encoder_and_embedder_are_the_installed_minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    for name in ("encoder", "embedder"):
        main(name=name, target=Path(f"models/base/{name}"))
        assert Path(f"models/base/{name}/modules.json").is_file()


def test_an_unknown_name_lists_the_bases_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"there is no base 'gpt9'; params\.yaml has gpt2, encoder, embedder"):
        main(name="gpt9", target=Path("models/base/gpt9"))
    assert not Path("models").exists()
