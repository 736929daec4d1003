"""Models to start from: the installed MiniLM or SmolLM2, a model of the hub, or a directory; safetensors only."""

import shutil
from pathlib import Path

from attune.base_models.checking import Use, check_folder
from attune.base_models.hub import download
from attune.base_models.loadable import check_loads
from attune.base_models.selection import taken
from attune.sources.packages import MINILM, SMOLLM2, minilm_folder, smollm2_file


def is_directory(model: str) -> bool:
    """Whether `model` is an existing directory or is written like a path; any other name is a hub id."""
    return model.startswith((".", "/")) or Path(model).is_dir()


def fetch(model: str, target: Path, use: Use | None = None) -> None:
    """Put the model `model` (MiniLM, SmolLM2, hub id or directory) into the folder `target`, after checking it.

    use: what it is for, as for `check_folder`.

    Raises
    ------
    AttuneError
        as `download`, `check_folder`, `check_loads` and `package_file`.
    """
    if model == SMOLLM2:
        from attune.base_models.conversion import convert

        convert(smollm2_file(), target)
    elif model == MINILM:
        _copy(minilm_folder(), target)
    elif is_directory(model):
        check_folder(Path(model), use)
        _take(Path(model), target, use)
    else:
        _take(download(model, use), target, use)


def _take(folder: Path, target: Path, use: Use | None) -> None:
    if use is not None:
        check_loads(folder, use)
    _copy(folder, target)


def _copy(source: Path, target: Path) -> None:
    """Copy file contents, since the hub's cache holds links."""
    for path in taken(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
