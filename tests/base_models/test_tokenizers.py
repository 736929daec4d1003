"""Tokenizers that do not load, or that do not serve what the model is for, found before anything is trained."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from attune.base_models.checking import Use
from attune.base_models.fetching import fetch
from attune.cobert.encoder import load_encoder
from attune.cobert.inputs import Inputs
from attune.core.errors import AttuneError
from attune.core.files import read_json
from attune.core.tokenizer import read_tokenizer
from tests.cobert.tiny import encoder
from tests.generators import tiny


def with_class(folder: Path, kind: object) -> Path:
    """The folder with a vocabulary in a text file, which a tokenizer of this class reads."""
    words = read_json(folder / "tokenizer.json")["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    return folder


@pytest.mark.parametrize(("kind", "package"), [("BertJapaneseTokenizer", "fugashi"), (5, ""), ("PhobertTokenizer", "")])
@pytest.mark.fault("an encoder whose tokenizer does not load: {kind}", "refused in a sentence before training")
def test_a_tokenizer_that_does_not_load_is_refused_before_it_is_copied(
    kind: object, package: str, tmp_path: Path
) -> None:
    folder = with_class(encoder(tmp_path / "m"), kind)
    if package:
        assert find_spec(package) is None
        settings = {"tokenizer_class": kind, "word_tokenizer_type": "mecab"}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    message = f"needs a package that is not installed: .*{package}" if package else "no tokenizer that can be read: ."
    with pytest.raises(AttuneError, match=message) as raised:
        fetch(str(folder), tmp_path / "target", "encoder")
    assert str(folder) in str(raised.value)
    assert not (tmp_path / "target").exists()


def test_phobert_s_merges_are_copied_so_that_its_tokenizer_loads(tmp_path: Path) -> None:
    folder = with_class(encoder(tmp_path / "m"), "PhobertTokenizer")
    (folder / "vocab.txt").write_text("a 9\nb@@ 8\nb 7\n")
    (folder / "bpe.codes").write_text("a b 5\n")
    fetch(str(folder), tmp_path / "target", "encoder")
    model, tokenizer = load_encoder(tmp_path / "target"), read_tokenizer(tmp_path / "target")
    inputs = Inputs(tokenizer, 20, 2, model.config.max_position_embeddings)
    assert tokenizer.convert_ids_to_tokens(inputs.tokenizer("a a")["input_ids"])[1:-1] == ["a", "a"]


@pytest.mark.fault("a tokenizer of XLM without the package that it needs", "refused in a sentence before training")
def test_xlm_s_tokenizer_names_its_package(tmp_path: Path) -> None:
    assert find_spec("sacremoses") is None
    folder = encoder(tmp_path / "m")
    words = read_json(folder / "tokenizer.json")["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("a b 5\n")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMTokenizer"}')
    with pytest.raises(AttuneError, match=r"needs a package that is not installed: .*sacremoses"):
        fetch(str(folder), tmp_path / "target", "encoder")


@pytest.mark.parametrize(("use", "refused"), [("embedder", True), ("encoder", False), ("base", False)])
def test_only_a_sentence_encoder_needs_a_padding_token(use: Use, refused: bool, tmp_path: Path) -> None:
    words = tiny.tokenizer()
    words.pad_token = None
    folder = tiny.saved(tiny.gpt(), tmp_path / "m", words)
    if refused:
        with pytest.raises(AttuneError, match=r"has no padding token, .* set pad_token"):
            fetch(str(folder), tmp_path / "target", use)
    else:
        fetch(str(folder), tmp_path / "target", use)
    assert (tmp_path / "target").exists() != refused


def test_the_tokenizer_of_a_sentence_encoder_is_tried_where_its_module_is(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    inside = with_class(encoder(folder / "0_Transformer"), 5)
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": at, "name": str(at), "path": place or "0_Transformer", "type": f"sentence_transformers.models.{kind}"}
        for at, (place, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    with pytest.raises(AttuneError, match=f"{re.escape(str(inside))} holds no tokenizer that can be read"):
        fetch(str(folder), tmp_path / "target", "embedder")
