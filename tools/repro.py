"""Run a dvc.yaml's stages side by side: `python -m tools.repro [studies/dvc.yaml] [--jobs N]`.

DVC says which stages have changed, GNU make (3.81 or later) starts them in the graph's order, and DVC runs each of them
(`tools.stage`). One job is `dvc repro`. Either way the entries of dvc.lock end in alphabetical order.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

from attune.core import cores, garbage_collection, memory
from attune.core.environment import print_any_text
from attune.core.files import atomic_file
from tools import described, gpus
from tools.changes import alone, changed_stages, drop_torn_list, wrong_parameters
from tools.deps import FILES
from tools.dvc import LOCK_ENTRY, name_user
from tools.preload import PACKAGES, preloading
from tools.progress import Log, Times
from tools.stage import process_group

LOCK = Path(".dvc/tmp/repro.lock")
RULES = Path(".dvc/tmp/rules.mk")
TIMES = Path(".dvc/tmp/seconds.json")  # of each stage, when it last ran here
# The same of a whole run elsewhere: which stages take long, for a machine on which none has run yet.
TYPICAL = Path(__file__).with_name("typical_seconds.json")
JOB_BYTES = 3 * 2**30  # about the most memory that a stage takes
MANY = 10  # stages that gain from packages that are imported once for all of them
# Set by a make that calls this module, and wrong for the make that is started here.
_OUTER_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
_NAME = re.compile(r"[\w@./:-]+")  # of a stage, without the letters that have a meaning for make or a shell


def interruptible(main: Callable[[], int]) -> Callable[[], int]:
    """`main`, which returns 130 after Ctrl+C, as a shell reports it, without a traceback."""

    @wraps(main)
    def wrapped() -> int:
        try:
            return main()
        except KeyboardInterrupt:
            return 130

    return wrapped


@interruptible
def main() -> int:
    print_any_text()
    name_user()
    parser = described(__doc__)
    parser.add_argument("target", nargs="?", default=FILES[0], help="whose stages (default: %(default)s)")
    add_jobs(parser)
    options = parser.parse_args()
    if options.target == FILES[1] and (wrong := wrong_parameters(studies=True)):
        sys.exit(f"error: {wrong}")  # before the trainings, which come before the stage that would refuse it
    with alone(LOCK):
        return run(options.target, options.jobs)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_jobs, help="stages at once; by default as many as cores, memory and, if any, GPUs allow"
    )


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def run(target: str, jobs: int | None) -> int:
    """Run the stages of `target`, a dvc.yaml, in the current folder, `jobs` at once; returns the exit code."""
    garbage_collection.defer()
    jobs = jobs or fitting_jobs()
    drop_torn_list()
    try:
        waits = changed_stages(target)
        return plain(target) if waits and jobs == 1 else side_by_side(waits, jobs)
    finally:
        for name in FILES:
            sort_lock(Path(name).with_name("dvc.lock"))


def fitting_jobs() -> int:
    """As many as there are cores, and as fit into the memory; where there are GPUs, one for each of them."""
    known = cores.usable()
    return max(1, min(known, memory.usable() // JOB_BYTES, len(gpus.visible()) or known))


def plain(target: str) -> int:
    """The exit code of `dvc repro`."""
    with process_group([sys.executable, "-m", "tools.dvc", "repro", target]) as dvc:
        pass
    return _exit_code(dvc.returncode)


def side_by_side(waits: Mapping[str, Sequence[str]], jobs: int) -> int:
    """Run the stages, `jobs` at once; one that fails holds up only those that wait for it. 0 if all succeeded."""
    if not waits:
        print("Every stage is up to date.")
        return 0
    if strange := [name for name in waits if not _NAME.fullmatch(name)]:
        sys.exit(f"error: {wrong_parameters() or f'{strange[0]!r} cannot be the name of a stage'}")
    times = Times(TIMES)
    order = longest_first(waits, Times(TYPICAL).seconds | times.seconds)
    with atomic_file(RULES) as temporary:
        temporary.write_text(rules(waits, order), encoding="utf-8")
    command = ["make", "--no-print-directory", "--keep-going", f"--jobs={jobs}", f"--file={RULES}", "all"]
    environment = {name: value for name, value in os.environ.items() if name not in _OUTER_MAKE}
    # The cores that are left over where there are fewer stages than that.
    environment.setdefault(cores.WORKERS, str(max(1, cores.usable() // min(jobs, len(waits)))))
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    log, start = Log(waits, jobs, times), time.monotonic()
    with (
        preloading(PACKAGES if len(waits) >= MANY else ()) as found,
        process_group(command, env=environment | found, **piped) as make,
    ):
        for line in make.stdout or ():
            text = line.decode(errors="replace").rstrip("\n")
            print(log.shown(text, time.monotonic() - start), flush=True)
    print(log.summary(time.monotonic() - start, interrupted=make.returncode < 0), flush=True)
    return _exit_code(make.returncode)


def longest_first(waits: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> list[str]:
    """The stages by how long it takes from their start to the end of all that wait for them, so that no core is left.

    seconds: of each, as far as known; the others count as one second. Of equals, what waits for more comes first.
    """
    after: dict[str, float] = {}  # of what waits for each
    left: dict[str, float] = {}
    for name in reversed(list(waits)):  # in `waits` each comes after those that it waits for
        left[name] = seconds.get(name, 1) + after.get(name, 0)
        after |= {before: max(after.get(before, 0), left[name]) for before in waits[name]}
    return sorted(waits, key=lambda name: (-left[name], -len(waits[name])))


def rules(waits: Mapping[str, Sequence[str]], order: Sequence[str]) -> str:
    """A makefile whose goal `all` runs the stages as `waits` allows; of those that can start, the first in `order`."""
    command = f"{shlex.quote(sys.executable)} -m tools.stage".replace("$", "$$")
    lines = [f".PHONY: all {_goals(waits)}", f"all: {_goals(order)}"]
    for name, before in waits.items():
        lines += [f"{_goals([name])}: {_goals(before)}".rstrip(), f"\t@{command} {name} {os.getpid()}"]
    return "\n".join(lines) + "\n"


def _goals(names: Iterable[str]) -> str:
    """Stages as goals of make, in which a colon has a meaning."""
    return " ".join(f"stage/{name.replace(':', '/')}" for name in names)


def sort_lock(path: Path) -> None:
    """Put the entries of a dvc.lock, to which DVC adds in the order in which stages end, in alphabetical order.

    It stays as it is while another DVC has locked the project, which may be writing it, and if it is not valid, as with
    the marks of a merge conflict.
    """
    if not _unsorted(path):  # the usual case, for which importing DVC would take too long
        return
    from dvc.exceptions import DvcException
    from dvc.lock import make_lock
    from dvc.repo import Repo

    with suppress(DvcException), Repo(str(path.absolute().parent)) as repo:
        hardlink = repo.config["core"].get("hardlink_lock", False)
        with make_lock(repo.lock.lockfile, repo.tmp_dir, hardlink_lock=hardlink):  # `repo.lock` says that it waits
            if ordered := _unsorted(path):
                with atomic_file(path) as temporary:
                    temporary.write_text(ordered, encoding="utf-8")


def _unsorted(path: Path) -> str:
    """The text of a dvc.lock with its entries in order; empty where it has that already or is not valid."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    head, stages, body = text.partition("\nstages:\n")
    ordered = head + stages + "".join(sorted(LOCK_ENTRY.split(body)))
    return ordered if ordered != text and _same_content(text, ordered) else ""


def _same_content(one: str, other: str) -> bool:
    """Whether both are YAML, and of the same content."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return bool(YAML(typ="safe").load(one) == YAML(typ="safe").load(other))
    except YAMLError:
        return False


def _exit_code(code: int) -> int:
    """As a shell reports it: 128 + n for a process that was ended by signal n."""
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
