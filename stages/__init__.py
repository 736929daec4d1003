"""What runs: one module per stage, started as `python -m stages.NAME name=value ...`. Stages import attune alone."""

import errno
import inspect
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attune.core import garbage_collection, preloaded
from attune.core.damage import DamagedFile
from attune.core.determinism import prepare
from attune.core.environment import print_any_text, require_environment
from attune.core.errors import AttuneError, one_line
from attune.core.parent import dying_with_parent

require_environment()
prepare()
# transformers' warnings are about its own code, or about settings that are intended; its errors are still shown.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


_SHOWN = 20  # names in one message
_PIPELINES = ("dvc.yaml", "studies/dvc.yaml")
# What says that a file cannot be written whole: safetensors and faiss quote the system, torch finds too few bytes.
_UNWRITTEN = (*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)), "unexpected pos")
_ROOM = "a file cannot be written whole; make room on the disk (docs/sweeps.md: DVC's cache), and give the same command"
# While this reference exists, DVC takes its commit for HEAD, so that `dvc exp show` and `dvc params diff` show another.
_BASELINE = "refs/exps/exec/EXEC_BASELINE"
_STALE = f"`git update-ref -d {_BASELINE}` lets DVC compare with your own last commit again, not with the killed run's"
_DETACHED = f"`dvc exp run` has left HEAD detached; `git checkout -` goes back to your branch; {_STALE}"


def start(main: Callable[..., None]) -> None:
    """Call `main` with the command line's `name=value` words, or say what they are where one is --help.

    A user's mistake becomes one message and exit code 1.
    """
    garbage_collection.defer()
    print_any_text()
    if {"-h", "--help"} & {*sys.argv[1:]}:
        print(f"{inspect.getdoc(sys.modules[main.__module__])}\n\n{_usage(main)}")
        return
    if note := _left_behind():
        print(note, file=sys.stderr, flush=True)
    # Only DVC's: what somebody starts by hand may outlive its shell, as any program does.
    as_a_part = dying_with_parent(_repair()) if "DVC_STAGE" in os.environ else nullcontext()
    try:
        values = arguments(main, sys.argv[1:])
        for path in values.values():
            if isinstance(path, Path) and (message := missing_input(_name(main), path)):
                raise AttuneError(message)
        with as_a_part:
            code = preloaded.run(_name(main), sys.argv[1:])
            if code is None:
                main(**values)
        if code:
            sys.exit(code)
    except KeyboardInterrupt:
        # Ended by the signal, as whoever started it expects, but without a traceback, which would tell nobody anything.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except Exception as error:
        message = said_of(error, _name(main))
        if message is None:
            raise
        sys.exit(f"error: {message}{_way_back()}")


def said_of(error: Exception, module: str) -> str | None:
    """What a user is told of an error in the stage `module`; None for one whose traceback says more."""
    if isinstance(error, DamagedFile) and (writers := list(_writers(error.path.as_posix()))):
        return error.said(f"dvc repro {writers[0][0]}")
    if isinstance(error, AttuneError):
        return str(error)
    if any(reason in str(error) for reason in _UNWRITTEN):
        return f"{one_line(error)}; {_ROOM}"
    if isinstance(error, OSError) and error.errno is not None:  # without a number it is a library's own
        missing = isinstance(error, FileNotFoundError) and error.filename
        return (missing_input(module, Path(missing)) if missing else None) or str(error)
    return None


def missing_input(module: str, path: Path) -> str | None:
    """That `path` is missing, and which stage writes it; None where it exists, or where `module` or no stage does."""
    writers = [] if path.exists() else list(_writers(path.as_posix()))
    if not writers or any(writer == module for _, writer in writers):
        return None
    return f"{path} is missing{_others(path)}; `dvc repro {writers[0][0]}` writes it"


def _others(path: Path) -> str:
    """What lies beside the missing `path`, whose name may be wrong; empty where nothing does.

    It is empty for a folder such as data too, since the whole project lies beside that.
    """
    named = len(path.parts) > 1 and path.parent.is_dir()
    found = sorted(path.parent.glob(f"[!.]*{path.suffix}")) if named else []
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f" ({path.parent} has {', '.join(each.name for each in found[:_SHOWN])}{more})" if found else ""


def _writers(path: str) -> Iterator[tuple[str, str]]:
    """The stages that write `path`, the folder that holds it or what it holds, each with its module."""
    from ruamel.yaml import YAML

    for file in filter(Path.is_file, map(Path, _PIPELINES)):
        for name, stage in YAML(typ="safe").load(file)["stages"].items():
            body, items = stage.get("do", stage), stage.get("foreach")
            keys = "|".join(items) if items and not isinstance(items, str) else ""
            for out in body["outs"]:
                written = out if isinstance(out, str) else next(iter(out))
                pattern = re.sub(r"\\\$\\\{.*?\\\}", f"({keys or '[^/]+'})", re.escape(written))
                found = re.match(rf"{pattern}(/|$)", path)
                if found or written.startswith(f"{path}/"):
                    called = f"{name}@{found[1]}" if found and keys else name
                    yield f"{file}:{called}" if file.parent.name else called, body["cmd"].split()[2]


def _way_back() -> str:
    """How to undo `dvc exp run` in the workspace, which leaves the changed params.yaml there when a stage fails."""
    if not _in_the_workspace_of_an_experiment():
        return ""
    # DVC may leave HEAD's content beside a changed file's size and times in git's index, which read-tree makes anew.
    # From HEAD, since a killed run leaves files staged. Of dvc.yaml alone, since `dvc checkout` fails where the studies
    # were not run.
    files = "params.yaml dvc.lock studies/dvc.lock metrics plots"
    back = f"`git read-tree HEAD`, `git checkout HEAD -- {files}`, then `dvc checkout dvc.yaml`"
    loss = "this also undoes your own uncommitted changes of params.yaml; commit them first"
    return f"\nto go back to the last commit: {back} ({loss})"


def _in_the_workspace_of_an_experiment() -> bool:
    return "DVC_EXP_NAME" in os.environ and project_folder() == Path.cwd()


def _repair() -> str:
    """How to repair the repository after `dvc exp run`, which detaches HEAD, was killed."""
    return f"\n{_DETACHED}{_way_back()}" if _in_the_workspace_of_an_experiment() else ""


def _left_behind() -> str:
    """A note for the next run on what a killed `dvc exp run` left in the repository; empty if it left nothing."""
    git = Path(".git")
    if "DVC_EXP_NAME" in os.environ or not (git / _BASELINE).is_file():
        return ""
    on_a_branch = (git / "HEAD").read_text().startswith("ref: ")
    return f"note: after a killed `dvc exp run`, {_STALE}" if on_a_branch else f"note: {_DETACHED}"


def project_folder() -> Path:
    """The project's folder, also in a workspace below it, in which DVC runs a queued experiment."""
    here = Path.cwd()
    return next((folder.parents[2] for folder in here.parents if folder.match(".dvc/tmp/exps")), here)


def checkpoint_roots() -> list[Path]:
    """Where trainings keep their checkpoints: the project's folder, so that another run can resume a queued one's.

    While another experiment trains the same at the same time: the workspace's own.
    """
    return list(dict.fromkeys(folder / ".checkpoints" for folder in (project_folder(), Path.cwd())))


def report_to() -> tuple[list[str], Path]:
    """The trackers that params.yaml names, and the folder for what they write, which git ignores.

    Read here rather than with all parameters: trackers change no result, so that no stage runs again for them.
    """
    from ruamel.yaml import YAML

    file = Path("params.yaml")
    values = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return list(values.get("report_to") or ()), project_folder() / "runs"


def arguments(main: Callable[..., None], words: list[str]) -> dict[str, Any]:
    """`words` of the form name=value as the keyword arguments of `main`, whose annotations are str or Path.

    Raises
    ------
    AttuneError
        with the usage, for a word that is not of that form, an unknown, repeated or missing name.
    """
    parameters = inspect.signature(main).parameters
    values: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise AttuneError(f"{word!r} is not of the form name=value\n{_usage(main)}")
        if name not in parameters or name in values:
            raise AttuneError(f"{name!r} is {'given twice' if name in values else 'unknown'}\n{_usage(main)}")
        values[name] = Path(value) if parameters[name].annotation is Path else value
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in values]
    if missing:
        raise AttuneError(f"{', '.join(missing)} must be given\n{_usage(main)}")
    return values


def _usage(main: Callable[..., None]) -> str:
    words = []
    for name, each in inspect.signature(main).parameters.items():
        word = f"{name}={'PATH' if each.annotation is Path else 'NAME'}"
        words.append(word if each.default is each.empty else f"[{word}]")
    return f"usage: python -m {_name(main)} {' '.join(words)}"


def _name(main: Callable[..., None]) -> str:
    """The module of `main`, which is called __main__ while it runs."""
    module = sys.modules[main.__module__]
    return module.__spec__.name if module.__spec__ else main.__module__
