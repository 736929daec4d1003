"""What a model's folder must hold."""

from collections.abc import Iterable
from pathlib import Path

from attune.core.errors import AttuneError


def check_folder(folder: Path) -> None:
    """Check that a model's folder has config.json, *.safetensors and a tokenizer.

    Raises
    ------
    AttuneError
        naming what is missing.
    """
    if not folder.is_dir():
        raise AttuneError(f"the model directory {folder} does not exist; name an existing one, or a hub id")
    if not (folder / "config.json").is_file():
        raise AttuneError(f"{folder} has no config.json; a model directory is what save_pretrained writes")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in [*folder.glob("*.bin"), *folder.glob("*.pt")])
        held = f"only pickled weights ({', '.join(pickled)})" if pickled else "no weights"
        raise AttuneError(f"{folder} holds {held}; weights must be *.safetensors, as save_pretrained writes them")
    if not _has_tokenizer(folder):
        raise AttuneError(
            f"{folder} has no tokenizer; it needs tokenizer.json, vocab.txt, or vocab.json with merges.txt"
        )


def _has_tokenizer(folder: Path) -> bool:
    sets: Iterable[tuple[str, ...]] = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
    return any(all((folder / name).is_file() for name in names) for names in sets)
