"""Whether transformers can load what a model's files name, tried before anything expensive starts; imports torch."""

from pathlib import Path

from attune.base_models.checking import Use, model_folders
from attune.base_models.decodable import check_decodable
from attune.core.errors import AttuneError
from attune.core.tokenizer import read_tokenizer


def check_loads(folder: Path, use: Use) -> None:
    """Load the tokenizer of a folder that `check_folder` has passed, and look at the class of a base.

    A tokenizer may need a package or a file that is not there.

    Raises
    ------
    AttuneError
        as `check_decodable` and `read_tokenizer`, and for a tokenizer without a token that the `use` needs.
    """
    if use == "base":
        check_decodable(folder)
    for path in model_folders(folder, use):
        tokenizer = read_tokenizer(path)
        if use == "embedder" and tokenizer.pad_token_id is None:
            raise AttuneError(
                f"the tokenizer in {path} has no padding token, with which texts of unequal length are encoded "
                "together; set pad_token in tokenizer_config.json, or name another sentence encoder"
            )
