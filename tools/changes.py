"""Which stages of a dvc.yaml have changed: DVC's own answer, by fewer readings of the same files than `dvc status`."""

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tools.dvc import write_whole_files

# All stages come after it, and it never changes what they read.
CHECK = "check_parameters"
ANOTHER = "another run uses files of this project: wait until it has ended, or stop it, then give the command again"
OUTSIDE_GIT = "is no git repository, which DVC needs; `git init` makes it one"


def changed_stages(target: str) -> dict[str, list[str]]:
    """The stages that have changed, or may change with another, each with those of them that it waits for."""
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.lock import LockError
    from dvc.repo import Repo, lock_repo
    from dvc.repo.reproduce import collect_stages, plan_repro
    from dvc.scm import SCMError

    write_whole_files()  # also the list of files in use, to which `status` adds
    waits: dict[str, list[str]] = {}
    try:
        with Repo() as repo, lock_repo(repo):
            graph = repo.index.graph
            # All of them have been read for the graph; DVC would read a whole file again.
            wanted = [stage for stage in repo.index.stages if stage.relpath == target]
            plan = plan_repro(graph, wanted or collect_stages(repo, [target]))
            with _each_file_read_once():
                for stage in plan:
                    before = sorted(other.addressing for other in graph.successors(stage) if other.addressing in waits)
                    # DVC locks a stage's files once for `status`, three times for `changed`.
                    if set(before) - {CHECK} or stage.status():
                        waits[stage.addressing] = before
            if waits:
                refuse_read_only(Path(repo.cache.local_cache_dir))
    except NotDvcRepoError:
        sys.exit("error: this folder has no .dvc, without which it is no DVC project; `git checkout .dvc` restores it")
    except SCMError:
        sys.exit(f"error: this folder {OUTSIDE_GIT}")
    except LockError:  # whose own advice is to delete the lock
        sys.exit(f"error: {ANOTHER}")
    except (DvcException, TypeError) as error:  # DVC's own TypeError, for a parameter that should be a list
        sys.exit(f"error: {wrong_parameters() or f'{error} (`dvc repro --dry {target}` says more)'}")
    if CHECK in waits:
        waits |= {name: before or [CHECK] for name, before in waits.items() if name != CHECK}
    return waits


def refuse_read_only(cache: Path) -> None:
    """End the program if DVC's `cache` cannot be written to, which DVC finds only when a stage has run, for nothing."""
    folder = cache / "files" / "md5"
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        own = f"`dvc cache dir --local .dvc/cache`, `dvc remote add --local --default shared {shlex.quote(str(cache))}`"
        sys.exit(
            f"error: DVC's cache cannot be written to ({folder}), so what stages make could not be kept. Get the right "
            f"to write there, or a cache of your own, filled from it: {own} and `dvc pull --allow-missing dvc.yaml`"
        )


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the file `lock` while the block runs; the program ends with a message if another process holds it.

    DVC lets two runs begin at the same moment; one of them would then fail at each stage that the other is running. The
    system lets go of the lock however its process ends. A folder that is no DVC project gets no lock.
    """
    if not lock.parent.parent.is_dir():
        yield
        return
    held = FileLock(lock, timeout=0)
    try:
        lock.parent.mkdir(exist_ok=True)
        held.acquire()
    except Timeout:
        sys.exit(f"error: {ANOTHER}")
    except OSError as error:
        why = f"cannot be written ({error.strerror}), which every run needs"
        sys.exit(f"error: {lock} {why}: get the right to write to {lock.parent}, or the room, then run again")
    try:
        yield
    finally:
        held.release()


def drop_torn_list() -> None:
    """Delete DVC's list of the files in use if a killed DVC has left half of it, which no other would accept."""
    locks = Path(".dvc/tmp/rwlock")
    if _is_torn(locks):
        time.sleep(0.5)  # another DVC may be writing it right now
        if _is_torn(locks):
            locks.unlink(missing_ok=True)


def _is_torn(locks: Path) -> bool:
    try:
        json.loads(locks.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


def wrong_parameters(studies: bool = False) -> str:
    """What is wrong with params.yaml, from which DVC makes the stages, also for the studies; empty if nothing is."""
    from attune import parameters
    from attune.core.errors import AttuneError
    from attune.parameters.agreement import STUDIES

    try:
        if Path("params.yaml").is_file():
            parameters.load(further=STUDIES if studies else ())
    except AttuneError as error:
        return str(error)
    return ""


@contextmanager
def _each_file_read_once() -> Iterator[None]:
    """DVC parses params.yaml anew for each stage that depends on some of it."""
    from dvc.utils.serialize import LOADERS, load_yaml

    values: dict[str, Any] = {}

    def load(path: str, **options: Any) -> Any:
        if path not in values:
            values[path] = load_yaml(path, **options)
        return values[path]

    LOADERS[".yaml"] = load
    try:
        yield
    finally:
        LOADERS[".yaml"] = load_yaml
