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
from attune.generators.loading import load_tokenizer
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


def with_vocabulary_alone(folder: Path) -> Path:
    """The folder with what training a byte-level BPE writes, in which nothing names a special token."""
    model = read_json(folder / "tokenizer.json")["model"]
    words = {"<s>" if word == tiny.END else word: at for word, at in model["vocab"].items()}
    (folder / "vocab.json").write_text(json.dumps(words))
    merges = [" ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    return folder


def with_settings(folder: Path, **settings: str) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(("use", "token"), [("base", tiny.END), ("encoder", "</s>"), ("embedder", "<pad>")])
@pytest.mark.fault("a token that the tokenizer's class brings, not the model: {use}", "refused with the token and id")
def test_a_special_token_of_the_tokenizer_s_class_needs_an_embedding(use: Use, token: str, tmp_path: Path) -> None:
    if use == "base":
        folder = with_vocabulary_alone(tiny.saved(tiny.gpt(), tmp_path / "m"))
    else:
        folder = with_settings(encoder(tmp_path / "m"), tokenizer_class="RobertaTokenizer")
    rows = read_json(folder / "config.json")["vocab_size"]
    at = read_tokenizer(folder).convert_tokens_to_ids(token)
    assert at >= rows
    message = f"the special token '{token}' the id {at}, but the model has embeddings for {rows} tokens"
    with pytest.raises(AttuneError, match=re.escape(message)):
        fetch(str(folder), tmp_path / "target", use)
    assert not (tmp_path / "target").exists()


def test_a_special_token_of_the_class_that_the_vocabulary_holds_is_taken(tmp_path: Path) -> None:
    folder = with_settings(tiny.saved(tiny.gpt(), tmp_path / "gpt"))
    fetch(str(folder), tmp_path / "base", "base")
    assert load_tokenizer(tmp_path / "base").eos_token == tiny.END
    fetch(str(encoder(tmp_path / "roberta", "roberta")), tmp_path / "encoder", "encoder")


@pytest.mark.parametrize("settings", [None, {}, {"tokenizer_class": "LlamaTokenizer"}])
@pytest.mark.fault("a base whose loaded tokenizer ends no text: {settings}", "refused before training, as by it")
def test_a_base_without_an_end_of_text_is_refused_as_training_would(
    settings: dict[str, str] | None, tmp_path: Path
) -> None:
    folder = with_settings(tiny.saved(tiny.llama(), tmp_path / "m"), **settings or {})
    if settings is None:
        (folder / "tokenizer_config.json").unlink()
    with pytest.raises(AttuneError, match=r"has no end-of-text token, .* set eos_token") as training:
        load_tokenizer(folder)
    with pytest.raises(AttuneError, match=re.escape(str(training.value))):
        fetch(str(folder), tmp_path / "target", "base")
    assert not (tmp_path / "target").exists()
