"""A directory that holds the corpora as their hubs publish them."""

import shutil
from pathlib import Path, PurePosixPath

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus
from attune.corpora.own import OWN_DATA
from attune.parameters.data import OwnData, OwnRows
from attune.sources.manifest import Origin


def copy(corpus: Corpus, source: str, folder: Path) -> Origin:
    """Copy from `<source>/<corpus>`. The licence is not recorded: only the person who filled the directory knows it.

    Raises
    ------
    AttuneError
        as `origin_of`.
    """
    origin = origin_of(corpus, source)
    copy_files(corpus, origin, folder)
    return Origin("directory", location=str(origin))


def copy_own(corpus: Corpus, entry: OwnRows, folder: Path) -> Origin:
    """Copy from the folder that the entry names, of a corpus that is nowhere else; raises as `own_folder`."""
    origin = own_folder(corpus, entry)
    copy_files(corpus, origin, folder)
    return Origin("path", location=str(origin), notice=f"{OWN_DATA}, {origin.name}")


def own_folder(corpus: Corpus, entry: OwnRows) -> Path:
    """The folder that the entry of the corpus in params.yaml names.

    Raises
    ------
    AttuneError
        for an entry with anything but a path, and for a folder that is missing or lacks one of the files.
    """
    key, expected = f"corpora.{corpus.name}", ", ".join(corpus.layouts[0].values())
    if not isinstance(entry, OwnData) or entry.model_dump(exclude={"path"}, exclude_none=True):
        raise AttuneError(f"{key} takes a path and nothing else: that of the folder with {expected}")
    folder = Path(entry.path)
    if not folder.is_dir():
        raise AttuneError(f"{key}.path = {entry.path!r} is no folder; it must be one with {expected}")
    corpus.layout(folder)
    return folder


def origin_of(corpus: Corpus, source: str) -> Path:
    """The folder `<source>/<corpus>`.

    Raises
    ------
    AttuneError
        for a directory without the corpus, without one of its files, or with further parts of one.
    """
    root = Path(source)
    expected = ", ".join(corpus.layouts[0].values())
    if not root.is_dir():
        hint = "" if root.is_absolute() else f" in {Path.cwd()}"
        raise AttuneError(
            f"source = {source!r} is neither `sample` nor `hub` nor a directory{hint}; it must hold "
            f"{corpus.name}/ with {expected}. `dvc exp run --temp` and `--queue` need an absolute path"
        )
    origin = root / corpus.name
    if not origin.is_dir():
        raise AttuneError(f"{origin} is missing; source = {source!r} must hold {corpus.name}/ with {expected}")
    for name in corpus.layout(origin).values():
        if (part := second_part(name)) and (origin / part).is_file():
            only = "only 0000.parquet is read; join all parts in that file"
            raise AttuneError(f"{origin / part} is a second part of a split, and {only}")
    return origin


def second_part(name: str) -> str | None:
    """The file beside `name` with more of its split; None for a file that is no numbered part.

    The hub's conversion numbers the parquet files of a split that is too large for one; a layout has one alone.
    """
    path = PurePosixPath(name)
    return str(path.with_name("0001.parquet")) if path.name == "0000.parquet" else None


def copy_files(corpus: Corpus, origin: Path, folder: Path) -> None:
    """Copy the raw files of the layout that `origin` has, and nothing else that lies beside them."""
    for name in corpus.layout(origin).values():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(origin / name, folder / name)
        except OSError as error:
            raise AttuneError(f"{origin / name} could not be copied: {error.strerror}") from None
