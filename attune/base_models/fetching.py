"""Models to start from: the installed MiniLM or SmolLM2, a model of the hub, or a directory; safetensors only."""

import shutil
from pathlib import Path

from attune.base_models.checking import Use, check_folder
from attune.core.errors import AttuneError, one_line
from attune.sources.packages import MINILM, SMOLLM2, minilm_folder, smollm2_file

_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.jinja")  # no pickled weights; jinja holds chat templates
_OTHER_FORMATS = ("onnx/*", "openvino/*", "coreml/*")


def is_directory(model: str) -> bool:
    """Whether `model` is an existing directory or is written like a path; any other name is a hub id."""
    return model.startswith((".", "/")) or Path(model).is_dir()


def fetch(model: str, target: Path, use: Use | None = None) -> None:
    """Put the model `model` (MiniLM, SmolLM2, hub id or directory) into the folder `target`, after checking it.

    `use`: what it is for, as for `check_folder`.

    Raises
    ------
    AttuneError
        for a model that cannot be fetched, and as `check_folder` and `package_file`.
    """
    if model == SMOLLM2:
        from attune.base_models.conversion import convert

        convert(smollm2_file(), target)
    elif model == MINILM:
        _copy(minilm_folder(), target)
    else:
        source = Path(model) if is_directory(model) else _download(model)
        check_folder(source, use)
        _copy(source, target)


def _download(model: str) -> Path:
    """Download `id` or `id@revision` from the hub, or take it from the hub client's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    name, _, revision = model.partition("@")
    try:
        folder = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=list(_PATTERNS),
            ignore_patterns=list(_OTHER_FORMATS),
        )
    # Proxies that the client does not know are ValueErrors and ImportErrors, as are names that no repository has.
    except (OSError, HTTPError, ValueError, ImportError) as error:
        raise AttuneError(
            f"the model {model!r} could not be fetched from the hub; check the id and the network, or name a "
            f"directory that holds it, {MINILM} (encoders) or {SMOLLM2} (bases): {one_line(error)}"
        ) from None
    return Path(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy file contents, since the hub's cache holds links; a directory's .cache is left out."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and any(name.match(pattern) for pattern in _PATTERNS) and name.parts[0] != ".cache":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
