"""What the public API takes for texts, and for the folder of a model: where what belongs to it is by default."""

from collections.abc import Iterable
from os.path import normpath
from pathlib import Path


def beside(path: str | Path, levels: int, *names: str) -> Path:
    """The path `names` from the folder so many levels above `path`, or from the file system's root if that is nearer.

    Where `path` is a link, from where it leads; if nothing is there, from the link's own place.
    """
    own = Path(normpath(Path(path).absolute()))
    found = [_ancestor(folder, levels).joinpath(*names) for folder in (Path(path).resolve(), own)]
    return next((each for each in found if each.exists()), found[-1])


def _ancestor(folder: Path, levels: int) -> Path:
    for _ in range(levels):
        folder = folder.parent
    return folder


def checked(name: str, texts: Iterable[str], needs: str = "") -> list[str]:
    """`texts`, the argument `name`, as a list. needs: what it must have one of at least, if it may not be empty.

    Raises
    ------
    ValueError
        for a string in place of a list, which Python would take for a list of letters, for no list, for an empty one
        where it `needs` something, and for what is not text in it.
    """
    if isinstance(texts, str):
        raise ValueError(f"{name} must be a list of strings, not a string; write [{texts!r}]")
    try:
        found = list(texts)
    except TypeError:
        raise ValueError(f"{name} is {texts!r}; it must be a list of strings") from None
    if needs and not found:
        raise ValueError(f"{name} is empty; it needs at least one {needs}")
    for text in found:
        if not isinstance(text, str):
            raise ValueError(f"{name} holds {text!r}; it must be a list of strings")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name} holds {text!r}, of which a character is but half (a lone surrogate)") from None
    return found
