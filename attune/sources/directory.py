"""A directory that holds the corpora as the hubs serve them."""

import shutil
from pathlib import Path

from attune.core.errors import AttuneError
from attune.corpora import layout, layouts
from attune.sources.manifest import Origin


def copy(corpus: str, source: str, folder: Path) -> Origin:
    """Copy from `<source>/<corpus>`. The licence is not recorded: only who filled the directory knows it."""
    root = Path(source)
    expected = ", ".join(layouts(corpus)[0].values())
    if not root.is_dir():
        hint = "" if root.is_absolute() else f" in {Path.cwd()}"
        raise AttuneError(
            f"source = {source!r} is neither `sample` nor `hub` nor a directory{hint}; it must hold "
            f"{corpus}/ with {expected}. `dvc exp run --temp` and `--queue` need an absolute path"
        )
    if not (root / corpus).is_dir():
        raise AttuneError(f"{root / corpus} is missing; source = {source!r} must hold {corpus}/ with {expected}")
    copy_files(corpus, root / corpus, folder)
    return Origin("directory", place=str(root / corpus))


def copy_files(corpus: str, origin: Path, folder: Path) -> None:
    """Copy the files of the layout that `origin` has, and nothing else that may lie beside them."""
    for name in layout(corpus, origin).values():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(origin / name, folder / name)
        except OSError as error:
            raise AttuneError(f"{origin / name} could not be copied: {error.strerror}") from None
