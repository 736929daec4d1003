"""Models to start from: the installed MiniLM, a model of the hub, or a directory; safetensors only."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from attune.core.errors import AttuneError
from attune.sources.packages import MINILM, minilm_folder

SMALL = "small"
_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.jinja")  # no pickled weights; jinja holds chat templates
_OTHER_FORMATS = ("onnx/*", "openvino/*", "coreml/*")


def is_directory(model: str) -> bool:
    """Whether `model` is an existing directory or is written like a path; any other name is a hub id."""
    return model.startswith((".", "/")) or Path(model).is_dir()


def fetch(model: str, target: Path) -> None:
    """Copy the model `model` (MiniLM, hub id or directory) into the folder `target`, after checking it.

    Raises
    ------
    AttuneError
        for a model that cannot be fetched, and as `check_folder`.
    """
    if model == MINILM:
        source = minilm_folder()
    elif is_directory(model):
        source = Path(model)
        check_folder(source)
    else:
        source = _download(model)
        check_folder(source)
    _copy(source, target)


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


def _download(model: str) -> Path:
    """Download `id` or `id@revision` from the hub, or take it from the hub client's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    name, _, revision = model.partition("@")
    try:
        folder = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=list(_PATTERNS),
            ignore_patterns=list(_OTHER_FORMATS),
        )
    except (HFValidationError, OSError) as error:  # the hub's client raises an OSError for network failures
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise AttuneError(
            f"the model {model!r} could not be fetched from the hub; check the id and the network, or name a "
            f"directory that holds it, {MINILM} (encoders) or {SMALL} (bases): {reason}"
        ) from None
    return Path(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy file contents, since the hub's cache holds links; a directory's .cache is left out."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and any(name.match(pattern) for pattern in _PATTERNS) and name.parts[0] != ".cache":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
