"""What `tools.repro` shows of the stages: what they print, how far they are, and what is left by earlier runs."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attune.core.files import atomic_file
from tools.stage import DONE, FAILED, LINE, SKIPPED, STARTED

WAITING = "waiting"


class Times:
    """How many seconds each stage took when it last ran, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = {}
        # A file that is missing or broken costs an estimate, and nothing else.
        with suppress(OSError, ValueError, TypeError, AttributeError):
            read = json.loads(path.read_text(encoding="utf-8"))
            self.seconds = {name: float(value) for name, value in read.items()}

    def record(self, name: str, seconds: float) -> None:
        self.seconds[name] = round(seconds, 1)
        with suppress(OSError), atomic_file(self.path) as temporary:
            temporary.write_text(json.dumps(self.seconds, indent=1, sort_keys=True) + "\n", encoding="utf-8")


class Log:
    """What the stages print: each line with its stage's name, each start and end with how far all of them are.

    `waits` maps each stage to those that it waits for; `jobs` of them run at once.
    """

    def __init__(self, waits: Mapping[str, Sequence[str]], jobs: int, times: Times) -> None:
        self.waits, self.jobs, self.times = waits, jobs, times
        self.states = dict.fromkeys(waits, WAITING)
        self.starts: dict[str, float] = {}

    def shown(self, line: str, elapsed: float) -> str:
        """A line of make's output, a record of `tools.stage` or make's own, `elapsed` seconds after the start."""
        name, event, text = [*line.split("\t", 2), "", ""][:3]
        if name not in self.states or event not in (STARTED, LINE, DONE, SKIPPED, FAILED):
            return line
        if event == LINE:
            return f"{name} | {text}"
        self.states[name] = DONE if event == SKIPPED else event
        if event == STARTED:
            self.starts[name] = elapsed
        elif event == DONE:  # one that was skipped says nothing about how long it takes
            self.times.record(name, elapsed - self.starts[name])
        shown = f"[{self._progress(elapsed)}{self._left(elapsed)}] {name} {event}{text and f' after {text}'}"
        running = [other for other in self._names(STARTED) if other != name]
        return f"{shown}; running: {', '.join(running)}" if running else shown

    def _names(self, *states: str) -> list[str]:
        return [name for name, state in self.states.items() if state in states]

    def _progress(self, elapsed: float) -> str:
        failed = len(self._names(FAILED))
        counts = f"{len(self._names(DONE))} of {len(self.states)} done{f', {failed} failed' if failed else ''}"
        return f"{_minutes(elapsed)} min, {counts}"

    def _left(self, elapsed: float) -> str:
        """`, about 3:20 left` by earlier times: all that is left, shared by the jobs, or the longest chain of it.

        Stages that will not run, since one before them has failed, do not count. Nothing where no time is known, or
        nothing is left; `over 3:20` where some are not known.
        """
        ends: dict[str, float | None] = {}  # of each chain of stages, in seconds from now; None: it has failed

        def end(name: str) -> float | None:
            if name not in ends:
                before = [end(other) for other in self.waits[name]]
                known = [each for each in before if each is not None]
                failed = self.states[name] == FAILED or len(known) < len(before)
                ends[name] = None if failed else self._seconds(name, elapsed) + max(known, default=0)
            return ends[name]

        left = [name for name in self._names(STARTED, WAITING) if end(name) is not None]
        if not any(name in self.times.seconds for name in left):
            return ""
        total = sum(self._seconds(name, elapsed) for name in left)
        longest = max(ends[name] or 0 for name in left)
        about = "about" if all(name in self.times.seconds for name in left) else "over"
        return f", {about} {_minutes(max(total / self.jobs, longest))} left"

    def _seconds(self, name: str, elapsed: float) -> float:
        """How long the stage will take from now on; 0 if that is not known."""
        if self.states[name] == DONE:
            return 0
        spent = elapsed - self.starts.get(name, elapsed)
        return max(0, self.times.seconds.get(name, 0) - spent)

    def summary(self, elapsed: float, interrupted: bool) -> str:
        """How many are done, and which stages failed or were stopped, and which were not reached for it."""
        lines = [self._progress(elapsed)]
        if failed := self._names(STARTED, FAILED):
            lines.append(f"{'interrupted' if interrupted else 'failed'}: {', '.join(failed)}")
        if waiting := self._names(WAITING):
            lines.append(f"not run: {', '.join(waiting)}")
        return "\n".join(lines)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
