"""A model's tokenizer, read from its folder."""

from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError, one_line


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in a model's folder, without code of its own.

    Raises
    ------
    AttuneError
        if its files are wrong, or if it needs a package that is not installed.
    """
    from transformers import AutoTokenizer  # imports torch

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        raise AttuneError(
            f"the tokenizer in {folder} needs a package that is not installed: {one_line(error)}; install it, or name "
            "another model"
        ) from None
    except Exception as error:  # what a wrong setting becomes depends on where it is read
        raise AttuneError(f"{folder} holds no tokenizer that can be read: {one_line(error)}") from None


def closing_id(tokenizer: Any) -> int | None:
    """The id of the token that closes an utterance for an encoder, or None where its tokenizer has none for it.

    GPT-2 has no [SEP]: its end of text closes.
    """
    closing: int | None = tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
    return closing


def check_ends_texts(tokenizer: Any, folder: Path) -> None:
    """Refuse the tokenizer of the language model in `folder` where it has no end-of-text token; raises AttuneError."""
    if tokenizer.eos_token_id is None:
        raise AttuneError(
            f"the tokenizer in {folder} has no end-of-text token, without which no reply ends; set eos_token in "
            "tokenizer_config.json"
        )
