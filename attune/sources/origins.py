"""Where one's own data and models may lie: apart from what stages write, which DVC deletes before a stage runs."""

import os
from pathlib import Path

from attune.core.errors import AttuneError

# The folders of the project that hold the outputs of stages, and nothing else.
OUTPUTS = (
    *(f"data/{name}" for name in ("origins", "raw", "subset", "processed", "index", "recipes", "evaluation")),
    *(f"data/{name}" for name in ("passages", "persona_passages", "oracle_passages")),
    *(f"models/{name}" for name in ("base", "cobert", "generators", "compared", "personas", "seeds")),
    *("metrics", "plots"),
)


def check_apart(key: str, origin: str) -> None:
    """Check that the file or folder `origin`, which `key` of params.yaml names, is apart from OUTPUTS, if it is there.

    Raises
    ------
    AttuneError
        for one that is such a folder, lies in one or has one in it, by its name or by what links stand for.
    """
    if not os.path.lexists(origin):
        return
    for output in OUTPUTS:
        inside = _holds(output, origin)
        if inside or _holds(origin, output):
            where = f"{origin} {'lies in' if inside else 'holds'} {output}/"
            raise AttuneError(
                f"{key}: {where}, where DVC deletes what there is before a stage writes; move it to another folder"
            )


def _holds(folder: str, path: str) -> bool:
    """Whether `path` is `folder` or lies in it; neither need be there."""
    places = (Path(os.path.normpath(Path.cwd() / path)), Path(os.path.realpath(path)))
    return any(_same(Path(folder), each) for place in places for each in (place, *place.parents))


def _same(one: Path, other: Path) -> bool:
    """By the file system's word: links and, on some systems, upper case spell a place in several ways."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there, or may not be read
        return False
