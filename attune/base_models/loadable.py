"""Whether transformers can load what a model's files name, tried before anything expensive starts; imports torch."""

from pathlib import Path
from typing import Any

from attune.base_models.checking import Use, loaded_shapes, model_folders
from attune.base_models.decodable import check_decodable
from attune.base_models.headers import read_object
from attune.base_models.vocabulary import number_of_embeddings
from attune.core.errors import AttuneError
from attune.core.tokenizer import check_ends_texts, closing_id, read_tokenizer


def check_loads(folder: Path, use: Use) -> None:
    """Load the tokenizer of a folder that `check_folder` has passed, and look at the class of a base.

    A tokenizer may need a package or a file that is not there, and its class may bring special tokens that no file
    names.

    Raises
    ------
    AttuneError
        as `check_decodable` and `read_tokenizer`, and for a tokenizer without a token that the `use` needs, or with one
        that the model has no embedding for.
    """
    if use == "base":
        check_decodable(folder)
    for path in model_folders(folder, use):
        tokenizer = read_tokenizer(path)
        if use == "base":
            check_ends_texts(tokenizer, path)
        if use == "embedder" and tokenizer.pad_token_id is None:
            raise AttuneError(
                f"the tokenizer in {path} has no padding token, with which texts of unequal length are encoded "
                "together; set pad_token in tokenizer_config.json, or name another sentence encoder"
            )
        _check_embedded(path, tokenizer, use)


def _check_embedded(folder: Path, tokenizer: Any, use: Use) -> None:
    rows = number_of_embeddings(folder, read_object(folder / "config.json"), loaded_shapes(folder))
    largest = max(_special_ids(tokenizer, use), default=-1)
    if rows is not None and largest >= rows:
        raise AttuneError(
            f"the tokenizer in {folder}, a {type(tokenizer).__name__}, gives the special token "
            f"{tokenizer.convert_ids_to_tokens(largest)!r} the id {largest}, but the model has embeddings for {rows} "
            "tokens; fetch all of its tokenizer's files, name tokens of the vocabulary in tokenizer_config.json, or "
            "resize the embeddings"
        )


def _special_ids(tokenizer: Any, use: Use) -> list[int]:
    """The ids of the special tokens that a model for this `use` is given."""
    if use == "base":
        ids = [tokenizer.bos_token_id, tokenizer.eos_token_id]
    elif use == "encoder":
        ids = [tokenizer.cls_token_id, closing_id(tokenizer)]
    else:
        ids = [tokenizer.pad_token_id, *tokenizer("")["input_ids"]]
    return [each for each in ids if each is not None]
