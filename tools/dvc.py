"""DVC's command line, `python -m tools.dvc WORDS`, a quarter faster (`attune.core.garbage_collection`) and safer."""

import getpass
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from attune.core import garbage_collection, preloaded
from attune.core.errors import AttuneError
from attune.core.files import atomic_file
from tools import FORKS_DVC

LOCK_ENTRY = re.compile(r"(?m)^(?=  \S)")  # where that of a stage begins in a dvc.lock
_LOCK_HEAD = "schema: '2.0'\nstages:\n"


def main() -> int:
    garbage_collection.defer()
    try:
        code = in_a_fork()
    except AttuneError as error:
        sys.exit(f"error: {error}")
    if code is not None:
        return code
    write_whole_files()
    write_changed_entries()
    os.environ["SHELL"] = "/bin/sh"  # by which DVC runs stages: the user's may be csh, or no shell at all
    from dvc.cli import main as dvc

    return int(dvc(sys.argv[1:]) or 0)


def in_a_fork() -> int | None:
    """The exit code of this command in a fork of the process that has imported DVC; None where it is to run here.

    That process is the one that stages are forked from, and one of DVC's forks asks it for the stage's fork.
    """
    address = os.environ.get(FORKS_DVC)
    if address is None:
        return None
    asked = preloaded.ADDRESS in os.environ  # which a fork that `preloaded.run` has asked for does not get
    if asked and (code := preloaded.run("tools.dvc", sys.argv[1:])) is not None:
        return code
    os.environ[preloaded.ADDRESS] = os.environ.pop(FORKS_DVC)
    return None


def name_user() -> None:
    """Let DVC, which asks for the user's name, also run for a number without one, as in `docker run --user 4321`."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        os.environ["USER"] = str(os.getuid())


def write_whole_files() -> None:
    """Let DVC's files, such as dvc.lock, take the place of what they replace once they are whole.

    DVC empties a file before it turns the content into YAML, half a second for this project's: an interrupted one would
    leave a dvc.lock, or a list of the files in use, that no DVC can read.
    """
    from dvc import rwlock
    from dvc.utils.serialize import _common, _yaml

    for module in (_common, _yaml):
        module._dump_data = _dump
    if not isinstance(rwlock._edit_rwlock, partial):  # else it is ours already
        rwlock._edit_rwlock = partial(_edit_list, rwlock._edit_rwlock)


def _edit_list(edit: Callable[..., Any], folder: str, fs: Any, hardlink: bool) -> Any:
    """DVC's `edit` of the list of files in use, which writes it by a file system whose files appear whole."""

    def opened(path: str, mode: str = "r", **options: Any) -> Any:
        return _whole(Path(path), **options) if mode == "w" else fs.open(path, mode, **options)

    return edit(folder, SimpleNamespace(join=fs.join, open=opened), hardlink)


@contextmanager
def _whole(path: Path, encoding: str) -> Iterator[IO[str]]:
    with atomic_file(path) as temporary, temporary.open("w", encoding=encoding) as file:
        yield file


def write_changed_entries() -> None:
    """Let DVC turn only those entries of a dvc.lock into YAML that it changes, and keep the text of the others.

    After each stage it reads and writes all of them, by a parser that keeps comments: over a second for this project's.
    """
    from dvc import dvcfile

    if not isinstance(dvcfile.modify_yaml, partial):  # else it is ours already
        dvcfile.modify_yaml = partial(_modify_lock, dvcfile.modify_yaml)


@contextmanager
def _modify_lock(modify: Callable[..., Any], path: str, fs: Any = None) -> Iterator[dict[str, Any]]:
    """In the place of DVC's `modify`, which still does other files and a dvc.lock that somebody has edited."""
    from dvc.utils.serialize import dumps_yaml, parse_yaml

    file = Path(path).resolve()
    text = file.read_text(encoding="utf-8") if file.name == "dvc.lock" and file.is_file() else ""
    # Without its last line's end, what DVC adds would come to stand in that line.
    usual = text.startswith(_LOCK_HEAD) and text.endswith("\n") and "#" not in text
    texts = LOCK_ENTRY.split(text.removeprefix(_LOCK_HEAD))[1:]
    values = parse_yaml(text, path) if usual else {"stages": {}}
    if not usual or len(texts) != len(values["stages"] or ()):
        with modify(path, fs=fs) as values:
            yield values
        return
    before = dict(values["stages"])
    kept = dict(zip(before, texts, strict=True))
    yield values
    if values.keys() == {"schema", "stages"}:
        text = _LOCK_HEAD + "".join(
            kept[name] if before.get(name) is entry else dumps_yaml({"stages": {name: entry}}).removeprefix("stages:\n")
            for name, entry in values["stages"].items()
        )
    else:
        text = dumps_yaml(values)
    with atomic_file(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _dump(path: Any, data: Any, dumper: Any, fs: Any = None, **options: Any) -> None:
    """In the place of DVC's function of this name; a file elsewhere than on this machine is written as DVC does."""
    text = io.StringIO()
    dumper(data, text, **options)
    if fs is not None and fs.protocol != "local":
        with fs.open(path, "w+", encoding="utf-8") as file:
            file.write(text.getvalue())
        return
    with atomic_file(Path(path).resolve()) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
