from pathlib import Path

import pytest

from attune.base_models.fetching import fetch
from attune.core.errors import AttuneError
from tests.cobert.tiny import encoder
from tests.git_lfs import POINTER


def test_minilm_is_the_wheels_own_and_loads_both_ways(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel

    fetch("all-MiniLM-L6-v2", tmp_path)
    model = AutoModel.from_pretrained(tmp_path, use_safetensors=True)
    assert model.config.hidden_size == 384
    vectors = SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True).encode(["hi", "bye"])
    assert vectors.shape == (2, 384)


def test_a_missing_directory_is_not_taken_for_a_hub_id(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="does not exist"):
        fetch(str(tmp_path / "nowhere"), tmp_path / "target")


def test_a_directory_is_copied_without_pickles_and_caches(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    for name in ("training_args.bin", "chat_template.jinja", "1_Pooling/config.json", ".cache/lock.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    fetch(str(folder), tmp_path / "target")
    copied = {str(path.relative_to(tmp_path / "target")) for path in (tmp_path / "target").rglob("*.*")}
    assert copied == {
        "1_Pooling/config.json",
        "chat_template.jinja",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_a_directory_that_is_no_model_is_not_copied(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    (folder / "model.safetensors").write_text(POINTER)
    with pytest.raises(AttuneError, match=r"model\.safetensors is a Git LFS pointer"):
        fetch(str(folder), tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.fault("no hub for a base model", "the model and what to do are named")
def test_the_hub_out_of_reach_names_the_model_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AttuneError, match=r"'nobody/nothing' could not be fetched .* name a directory"):
        fetch("nobody/nothing", tmp_path / "target")


def test_a_word_that_is_no_hub_id_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="could not be fetched from the hub"):
        fetch("no such/id/at all", tmp_path / "target")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9"])
@pytest.mark.fault("a proxy that the hub's client does not know: {}", "named, with what to do")
def test_a_proxy_of_an_unknown_kind_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    set_client_factory(default_client_factory)  # also forgets the client that was made without the proxy
    try:
        with pytest.raises(AttuneError, match="could not be fetched from the hub; check the id and the network"):
            fetch("nobody/nothing", tmp_path / "target")
    finally:
        set_client_factory(default_client_factory)
