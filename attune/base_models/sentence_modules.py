"""The modules of a sentence encoder: which of them this project can use, and in which order."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attune.base_models.headers import pickled, read_checked, read_object, tensor_shapes
from attune.core.errors import AttuneError

# What a module of sentence-transformers reads of those before it, and what it gives: vectors of tokens or of the text.
_TOKENS, _TEXT = "each token", "the whole text"
_FLOW: dict[str, tuple[str | None, str]] = {
    **dict.fromkeys(("Transformer", "WordEmbeddings"), (None, _TOKENS)),
    **dict.fromkeys(("StaticEmbedding", "BoW"), (None, _TEXT)),
    **dict.fromkeys(("CNN", "LSTM", "WordWeights", "WeightedLayerPooling"), (_TOKENS, _TOKENS)),
    "Pooling": (_TOKENS, _TEXT),
    **dict.fromkeys(("Dense", "LayerNorm", "Dropout", "Normalize"), (_TEXT, _TEXT)),
}
# Modules that hold others, and where they name them.
_ROUTERS, _OF_ROUTERS = ("Router", "Asym"), ("router_config.json", "config.json")
# Modules that have no configuration, and those that cannot do without weights.
_WITHOUT_CONFIG = ("Normalize", "StaticEmbedding")
_WITH_WEIGHTS = (
    *("Dense", "LayerNorm", "CNN", "LSTM", "WeightedLayerPooling"),
    *("StaticEmbedding", "WordEmbeddings", "WordWeights"),
)


def module_folders(folder: Path) -> list[str]:
    """The folders that modules.json names, relative to `folder`, which need not hold them yet; empty for itself.

    Raises
    ------
    AttuneError
        for a broken modules.json.
    """
    path = folder / "modules.json"
    return [place for _, place in _listed(path)] if path.is_file() else []


def check_modules(folder: Path, encodes: bool) -> list[tuple[str, Path]]:
    """Check a sentence encoder's modules, and return their kinds and folders; none for any other model.

    encodes: the model is to give vectors of texts, by all of its modules.

    Raises
    ------
    AttuneError
        naming the file that is missing or broken, or the module that has no place there.
    """
    path = folder / "modules.json"
    modules = list(_modules(path)) if path.is_file() else []
    for kind, place in modules:
        if kind != "Transformer":
            _check_module(place, kind)
    if encodes and modules:
        _check_flow(path, [(kind, place) for kind, place in modules if kind not in _ROUTERS])
    return modules


def _check_flow(path: Path, modules: Sequence[tuple[str, Path]]) -> None:
    """Check that each module is known and finds what it reads, and that a vector of the whole text comes out."""
    given = None
    for kind, place in modules:
        if kind not in _FLOW:
            raise AttuneError(
                f"{path} names the module {kind}, which sentence encoders of this project cannot have; name an encoder "
                f"of {', '.join(_FLOW)}"
            )
        reads, gives = _FLOW[kind]
        if kind == "Dense" and read_object(place / "config.json").get("module_input_name") == "token_embeddings":
            reads = gives = _TOKENS
        if reads not in (None, given):
            raise AttuneError(f"{path}: the {kind} needs a vector of {reads}, which no module before it gives")
        given = gives
    if given != _TEXT:
        raise AttuneError(f"{path}: its modules give no vector of {_TEXT}; the last but one is most often a Pooling")


def _modules(path: Path) -> Iterator[tuple[str, Path]]:
    """The kinds and folders of the modules that modules.json lists."""
    for kind, place in _listed(path):
        yield from _module(path, kind, place)


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """The types and places in modules.json."""
    modules = read_checked(path)
    if not isinstance(modules, list) or not modules:
        raise AttuneError(f"{path} lists no modules; fetch it again")
    for module in modules:
        if not isinstance(module, dict) or not all(isinstance(module.get(key), str) for key in ("path", "type")):
            raise AttuneError(f"{path}: a module without path or type; fetch it again")
        yield module["type"], module["path"]


def _module(named_in: Path, kind: str, place: str) -> Iterator[tuple[str, Path]]:
    """A module in the folder `place` beside the file that names it; a router's are those of its routes, too."""
    folder, kind = named_in.parent / place, kind.rsplit(".", 1)[-1]
    if Path(place).is_absolute() or ".." in Path(place).parts:
        raise AttuneError(f"{named_in}: the module {place!r} lies outside of {named_in.parent}; fetch it again")
    yield kind, folder
    if kind in _ROUTERS:
        path = next((path for name in _OF_ROUTERS if (path := folder / name).is_file()), folder / _OF_ROUTERS[0])
        routes = read_object(path).get("types")
        if not isinstance(routes, dict) or not all(isinstance(each, str) for each in routes.values()):
            raise AttuneError(f"{path} has no types of modules; fetch it again")
        for name, type_ in routes.items():
            yield from _module(path, type_, name)


def _check_module(folder: Path, kind: str) -> None:
    """Check a module beside the transformer: its configuration, and weights where it has some."""
    configurations = sorted(folder.glob("*config.json"))
    if not configurations and kind not in _WITHOUT_CONFIG:
        raise AttuneError(f"{folder / 'config.json'} is missing, of the {kind} that modules.json names; fetch it again")
    for path in configurations:
        read_object(path)
    weights = sorted(folder.glob("*.safetensors"))
    for path in weights:
        tensor_shapes(path)
    if not weights and (kind in _WITH_WEIGHTS or pickled(folder)):
        raise AttuneError(
            f"{folder}, the {kind} that modules.json names, holds {pickled(folder) or 'no weights'}; weights must be "
            "*.safetensors"
        )
