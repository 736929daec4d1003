"""Tokenizers with more tokens than the model has embeddings, and which of them never reach it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.processors import TemplateProcessing

from attune.base_models.checking import Use, check_folder
from attune.core.errors import AttuneError
from attune.core.files import read_json
from attune.core.tokens import token_ids
from attune.generators.loading import load_base, load_tokenizer
from tests.cobert.tiny import encoder
from tests.generators import tiny

IMAGE = "<image_soft_token>"


def changed(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(read_json(path) | changes))


def with_token(folder: Path, name: str = IMAGE, special: bool = True, **roles: Any) -> Path:
    """A Llama whose tokenizer has one token more than the model."""
    words = tiny.tokenizer()
    words.add_tokens([AddedToken(name, special=special, normalized=False)])
    tiny.saved(tiny.llama(), folder, words)
    changed(folder / "tokenizer_config.json", **roles)
    return folder


def test_a_special_token_without_an_embedding_is_accepted_and_never_read_in_people_s_text(tmp_path: Path) -> None:
    folder = with_token(tmp_path / "m")
    check_folder(folder, "base")
    check_folder(folder, "embedder")
    model, tokenizer = load_base(folder), load_tokenizer(folder)
    rows = len(model.get_input_embeddings().weight)
    assert tokenizer.convert_tokens_to_ids(IMAGE) == rows
    ids = token_ids(tokenizer, f"A photo: {IMAGE}.")
    assert max(ids) < rows
    assert model(input_ids=torch.tensor([ids])).logits.shape[1] == len(ids)


def test_a_padding_token_that_generators_do_without_needs_no_embedding(tmp_path: Path) -> None:
    """Some tokenizers add their family's when they are loaded, so that it is saved with a trained generator."""
    folder = with_token(tmp_path / "m", "<|padding|>", pad_token="<|padding|>")
    check_folder(folder, "base")
    check_folder(folder, "encoder")
    with pytest.raises(AttuneError, match="has ids up to"):
        check_folder(folder, "embedder")


def test_a_token_that_the_tokenizer_itself_puts_around_texts_needs_an_embedding(tmp_path: Path) -> None:
    folder = with_token(tmp_path / "m")
    check_folder(folder, "embedder")
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = [(IMAGE, words.token_to_id(IMAGE))]
    words.post_processor = TemplateProcessing(single=f"{IMAGE} $A", special_tokens=special)
    words.save(str(folder / "tokenizer.json"))
    with pytest.raises(AttuneError, match="has ids up to"):
        check_folder(folder, "embedder")


READ: dict[str, tuple[dict[str, Any], str]] = {
    "not special": ({"special": False}, ""),
    "a word": ({"name": "image"}, ""),
    "around texts": ({"cls_token": IMAGE}, ""),
    "described around texts": ({"eos_token": {"content": IMAGE}}, ""),
    "in the template": ({}, "{{ messages[0].content }}" + IMAGE),
    "named in the template": ({"image_token": IMAGE}, "{{ image_token + messages[0].content }}"),
}


@pytest.mark.parametrize(("token", "template"), READ.values(), ids=READ)
@pytest.mark.fault("a token that the model is given but has no embedding for: {}", "refused with the largest id")
def test_a_token_that_may_reach_the_model_needs_an_embedding(
    token: dict[str, Any], template: str, tmp_path: Path
) -> None:
    folder = with_token(tmp_path / "m", **token)
    if template:
        (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(AttuneError, match=r"tokenizer\.json has ids up to \d+, but the model has embeddings for \d+"):
        check_folder(folder, "base")


@pytest.mark.parametrize("use", ["encoder", "embedder"])
def test_lines_of_a_vocabulary_end_where_the_tokenizer_ends_them(use: Use, tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    words = read_json(folder / "tokenizer.json")["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    changed(folder / "tokenizer_config.json", tokenizer_class="BertTokenizer")
    separators = ["\u2028", "\x85", "\x0b"]
    lines = [*list(words)[: -len(separators)], *separators]
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in lines), encoding="utf-8")
    check_folder(folder, use)
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in [*words, "more"]), encoding="utf-8")
    with pytest.raises(AttuneError, match=rf"vocab\.txt has ids up to {len(words)}, but .* for {len(words)} tokens"):
        check_folder(folder, use)


@pytest.mark.parametrize(
    ("role", "token", "use"),
    [
        ("eos_token", "<eos>", "base"),
        ("bos_token", {"content": "<bos>", "__type": "AddedToken"}, "base"),
        ("sep_token", "<sep>", "encoder"),
        ("cls_token", "<cls>", "encoder"),
        ("pad_token", "<pad>", "embedder"),
    ],
)
@pytest.mark.fault("a {role} that the vocabulary lacks: {use}", "refused with the token and the largest id")
def test_a_token_that_only_the_settings_name_needs_an_embedding(
    role: str, token: str | dict[str, str], use: Use, tmp_path: Path
) -> None:
    folder = tiny.saved(tiny.llama(), tmp_path / "m")
    changed(folder / "tokenizer_config.json", **{role: token})
    name = token if isinstance(token, str) else token["content"]
    largest = load_tokenizer(folder).convert_tokens_to_ids(name)
    with pytest.raises(AttuneError, match=rf"lacks '{name}', which .* ids go up to {largest}, .* were not resized"):
        check_folder(folder, use)
    changed(folder / "tokenizer_config.json", **{role: tiny.END})
    check_folder(folder, use)


def test_a_token_that_the_vocabulary_lacks_comes_after_those_that_nobody_reads(tmp_path: Path) -> None:
    folder = tiny.saved(tiny.llama(), tmp_path / "m")
    rows = read_json(folder / "config.json")["vocab_size"]
    vocabulary = read_json(folder / "tokenizer.json")
    image = {"id": rows, "content": "<image>", "special": True, "single_word": False, "lstrip": False}
    vocabulary["added_tokens"].append(image | {"rstrip": False, "normalized": False})
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    check_folder(folder, "base")
    changed(folder / "tokenizer_config.json", eos_token="<eos>")
    assert load_tokenizer(folder).eos_token_id == rows + 1
    with pytest.raises(AttuneError, match=rf"lacks '<eos>', which .* ids go up to {rows + 1}, .* were not resized"):
        check_folder(folder, "base")
