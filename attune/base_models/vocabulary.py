"""A model's tokenizer beside the embeddings that its ids choose from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attune.base_models.headers import check_content, read_object
from attune.core.errors import AttuneError

# How the families call their table of token embeddings.
_TABLES = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight", "embed_in.weight")
_FILES: Sequence[tuple[str, ...]] = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))


def check_vocabulary(folder: Path, config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> None:
    """Check that the folder has a tokenizer, that it can be read, and that each of its ids has an embedding.

    config: of config.json. shapes: of the weights.

    Raises
    ------
    AttuneError
        naming what is missing, broken or too large.
    """
    names = next((each for each in _FILES if all((folder / name).is_file() for name in each)), None)
    if names is None:
        raise AttuneError(
            f"{folder} has no tokenizer; it needs tokenizer.json, vocab.txt, or vocab.json with merges.txt"
        )
    for name in names:
        check_content(folder / name)
    largest = max(_largest_id(folder / names[0]), *_added_ids(folder))
    said = config.get("vocab_size")
    held = [shape[0] for name, shape in shapes.items() if name.endswith(_TABLES) and len(shape) == 2]
    if held and isinstance(said, int) and held[0] != said:
        raise AttuneError(
            f"{folder}: config.json says vocab_size {said}, the weights hold {held[0]} embeddings; one is of another "
            "model"
        )
    rows = held[0] if held else said
    if isinstance(rows, int) and largest >= rows:
        raise AttuneError(
            f"{folder / names[0]} has ids up to {largest}, but the model has embeddings for {rows} tokens; it is "
            "another model's tokenizer, or the embeddings were not resized"
        )


def _largest_id(path: Path) -> int:
    """The highest id that the tokenizer gives to a text."""
    if path.name == "vocab.txt":
        try:
            return len(path.read_text(encoding="utf-8").splitlines()) - 1
        except UnicodeDecodeError:
            raise AttuneError(f"{path} is not UTF-8; fetch it again") from None
    ids = [*read_object(path).values()] if path.name == "vocab.json" else _ids(path)
    if not ids or not all(isinstance(each, int) for each in ids):
        raise AttuneError(f"{path} holds no vocabulary; fetch it again")
    return max(ids)


def _added_ids(folder: Path) -> list[int]:
    """The ids of tokens that other files add to the tokenizer."""
    ids = [0]
    if (folder / "tokenizer_config.json").is_file():
        added = read_object(folder / "tokenizer_config.json").get("added_tokens_decoder") or {}
        ids += [int(place) for place in added if str(place).isdigit()]
    if (folder / "added_tokens.json").is_file():
        ids += [place for place in read_object(folder / "added_tokens.json").values() if isinstance(place, int)]
    return ids


def _ids(path: Path) -> list[int]:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        read_object(path)  # says more about what is not JSON
        reason = str(error).splitlines()[0]
        raise AttuneError(f"{path} is no tokenizer that can be read ({reason}); fetch it again") from None
    return list(tokenizer.get_vocab(with_added_tokens=True).values())
