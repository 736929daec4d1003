"""Run a dvc.yaml's stages side by side: `python -m tools.repro [studies/dvc.yaml] [--jobs N]`.

DVC says which stages have changed, GNU make (3.81 or later) starts them in the graph's order, and DVC runs each of them
(`tools.stage`). One job is plain `dvc repro`. Either way the entries of dvc.lock end in alphabetical order.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attune.core.files import atomic_file
from tools.deps import FILES
from tools.stage import DONE, FAILED, LINE, STARTED, process_group

RULES = Path(".dvc/tmp/rules.mk")
# All stages come after it, and it never changes what they read.
CHECK = "check_parameters"
JOB_BYTES = 3 * 2**30  # about the most memory that a stage takes
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container: bytes, or "max"
# Set by a make that calls this module, and wrong for the make that is started here.
_OUTER_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
_LOCK_ENTRY = re.compile(r"(?m)^(?=  \S)")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="?", default=FILES[0])
    parser.add_argument("--jobs", type=int, help="stages at once; by default as many as cores and memory allow")
    options = parser.parse_args()
    jobs = fitting_jobs() if options.jobs is None else options.jobs
    if jobs < 1:
        parser.error(f"--jobs {jobs} is below 1")
    try:
        return plain(options.target) if jobs == 1 else side_by_side(changed_stages(options.target), jobs)
    finally:
        for name in FILES:
            sort_lock(Path(name).with_name("dvc.lock"))


def fitting_jobs() -> int:
    """As many as there are cores, and as fit into the memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if _MEMORY_LIMIT.is_file() and (limit := _MEMORY_LIMIT.read_text().strip()).isdecimal():
        memory = min(memory, int(limit))
    return max(1, min(cores, memory // JOB_BYTES))


def plain(target: str) -> int:
    """The exit code of `dvc repro`."""
    with process_group([sys.executable, "-m", "dvc", "repro", target]) as dvc:
        pass
    return _exit_code(dvc.returncode)


def changed_stages(target: str) -> dict[str, list[str]]:
    """The stages that have changed, or may change with another, each with those of them that it waits for."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo
    from dvc.repo.reproduce import collect_stages, plan_repro

    waits: dict[str, list[str]] = {}
    try:
        with Repo() as repo, lock_repo(repo):
            graph = repo.index.graph
            for stage in plan_repro(graph, collect_stages(repo, [target])):
                before = sorted(other.addressing for other in graph.successors(stage) if other.addressing in waits)
                if set(before) - {CHECK} or stage.changed():
                    waits[stage.addressing] = before
    except DvcException as error:
        sys.exit(f"error: {error} (`dvc repro --dry {target}` says more)")
    if CHECK in waits:
        waits |= {name: before or [CHECK] for name, before in waits.items() if name != CHECK}
    return waits


def side_by_side(waits: Mapping[str, Sequence[str]], jobs: int) -> int:
    """Run the stages, `jobs` at once; one that fails holds up only those that wait for it. 0 if all succeeded."""
    if not waits:
        print("Every stage is up to date.")
        return 0
    with atomic_file(RULES) as temporary:
        temporary.write_text(rules(waits), encoding="utf-8")
    command = ["make", "--no-print-directory", "--keep-going", f"--jobs={jobs}", f"--file={RULES}", "all"]
    environment = {name: value for name, value in os.environ.items() if name not in _OUTER_MAKE}
    log = Log(waits)
    with process_group(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as make:
        for line in make.stdout or ():
            print(log.shown(line.decode(errors="replace").rstrip("\n")), flush=True)
    print(log.summary(interrupted=make.returncode < 0), flush=True)
    return _exit_code(make.returncode)


def rules(waits: Mapping[str, Sequence[str]]) -> str:
    """A makefile whose goal `all` runs the stages in an order that suits `waits`."""
    command = f"{shlex.quote(sys.executable)} -m tools.stage".replace("$", "$$")
    lines = [f".PHONY: all {_goals(waits)}", f"all: {_goals(waits)}"]
    for name, before in waits.items():
        lines += [f"{_goals([name])}: {_goals(before)}".rstrip(), f"\t@{command} {name} {os.getpid()}"]
    return "\n".join(lines) + "\n"


def _goals(names: Iterable[str]) -> str:
    """Stages as goals of make, in which a colon has a meaning."""
    return " ".join(f"stage/{name.replace(':', '/')}" for name in names)


class Log:
    """What the stages print: each line with its stage's name, each start and end with the number of stages done."""

    def __init__(self, names: Iterable[str]) -> None:
        self.states = dict.fromkeys(names, "waiting")

    def shown(self, line: str) -> str:
        """A line of make's output, which is a record of `tools.stage` or make's own."""
        name, event, text = [*line.split("\t", 2), "", ""][:3]
        if name not in self.states or event not in (STARTED, LINE, DONE, FAILED):
            return line
        if event == LINE:
            return f"{name} | {text}"
        self.states[name] = event
        return f"[{self._counts()}] {name} {event}{text and f' after {text}'}"

    def _counts(self) -> str:
        states = list(self.states.values())
        failed = f", {states.count(FAILED)} failed" if FAILED in states else ""
        return f"{states.count(DONE)} of {len(states)} done, {states.count(STARTED)} running{failed}"

    def summary(self, interrupted: bool) -> str:
        """How many are done, and which stages failed or were stopped, and which were not reached for it."""
        failed = [name for name, state in self.states.items() if state in (STARTED, FAILED)]
        waiting = [name for name, state in self.states.items() if state == "waiting"]
        lines = [self._counts()]
        if failed:
            lines.append(f"{'interrupted' if interrupted else 'failed'}: {', '.join(failed)}")
        if waiting:
            lines.append(f"not run: {', '.join(waiting)}")
        return "\n".join(lines)


def sort_lock(path: Path) -> None:
    """Put the entries of a dvc.lock, to which DVC adds in the order in which stages end, in alphabetical order."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    head, stages, body = text.partition("\nstages:\n")
    ordered = head + stages + "".join(sorted(_LOCK_ENTRY.split(body)))
    if ordered != text:
        with atomic_file(path) as temporary:
            temporary.write_text(ordered, encoding="utf-8")


def _exit_code(code: int) -> int:
    """As a shell reports it: 128 + n for a process that was ended by signal n."""
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
