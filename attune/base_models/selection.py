"""Which files of a model's folder or repository are taken: those that may be loaded, and none that lie beside them."""

from collections.abc import Iterator
from glob import escape
from pathlib import Path, PurePosixPath

from attune.base_models.checking import INDEX, TEMPLATES, WEIGHTS
from attune.base_models.headers import read_object
from attune.base_models.sentence_modules import check_modules, module_folders

# Beside the weights; jinja holds chat templates, codes the merges of PhoBERT and its kin.
_TEXTS = ("*.json", "*.txt", "*.jinja", "*.codes")
# First of a repository: what of its root may be wanted, which names the others. A star also stands for slashes.
ROOT, NOT_ROOT = [*_TEXTS, WEIGHTS], ["*/*"]


def named(folder: Path) -> list[str]:
    """What else is wanted of the repository whose ROOT is in `folder`, as patterns of its files.

    Raises
    ------
    AttuneError
        for a broken modules.json, and for a broken index of weights.
    """
    places = {PurePosixPath(place).as_posix() for place in module_folders(folder)} - {"."}
    below = [f"{escape(place)}/{pattern}" for place in sorted(places) for pattern in (*_TEXTS, "*.safetensors")]
    return [*map(escape, sorted(_weights(folder))), f"{TEMPLATES}/*.jinja", *below]


def taken(folder: Path) -> Iterator[Path]:
    """The files of a checked folder that are taken: of its root, chat templates and a sentence encoder's modules.

    Of the weights those that are loaded: others are in another format, or of a training's optimizer.
    """
    places = {folder, folder / TEMPLATES, *(path for _, path in check_modules(folder, encodes=False))}
    for place in filter(Path.is_dir, places):
        weights = _weights(place)
        for path in place.iterdir():
            if path.is_file() and (path.name in weights or any(map(path.match, _TEXTS))):
                yield path


def _weights(folder: Path) -> set[str]:
    """The names of the weights in a folder: one file, or those of its index where there is only that."""
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return {WEIGHTS}
    places = read_object(folder / INDEX).get("weight_map")
    return set(map(str, places.values())) if isinstance(places, dict) else set()
