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


def test_a_directory_that_is_no_model_is_not_copied(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    (folder / "model.safetensors").write_text(POINTER)
    with pytest.raises(AttuneError, match=r"model\.safetensors is a Git LFS pointer"):
        fetch(str(folder), tmp_path / "target")
    assert not (tmp_path / "target").exists()
