"""Shell commands in a pseudo-terminal, as a person runs them: with colours, a pager, progress bars and a width."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

COLUMNS, LINES = 100, 40
# Makes the terminal that is its standard input the one that Ctrl+C comes from and that a pager opens. Ctrl+C is heeded
# also where the tests run in the background of a script, which ignores it.
_CONTROL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp('bash', sys.argv[1:])"
)
# Colours, cursor movements, titles and the like, which take no room.
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()=>][0-9A-Z]?|[A-Z])|\x08|\x07")
CTRL_C = "\x03"


class Shown(NamedTuple):
    """The exit code of a command, and the lines that the terminal shows at the end."""

    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def width(self) -> int:
        return max(map(len, self.lines), default=0)


class Terminal:
    """A command that runs in `folder`, and what has been typed and shown so far."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (LINES, COLUMNS))
        own = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        words = [sys.executable, "-IS", "-c", _CONTROL, "bash", "--norc", "-c", command]
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self._process = subprocess.Popen(
            words, cwd=folder, env={**environment, **own}, start_new_session=True, **streams
        )
        os.close(slave)
        self._bytes, self._ended = b"", False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self._master, 65536)
            except OSError:  # the last process has closed the terminal
                read = b""
            with self._changed:
                self._bytes, self._ended = self._bytes + read, not read
                self._changed.notify_all()
            if not read:
                return

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str, seconds: float) -> bool:
        """Whether `text` is shown within so many seconds, or until the command ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or text in lines_of(self._bytes), seconds)
            return text in lines_of(self._bytes)

    def end(self, seconds: float) -> Shown:
        """Wait until the command ends.

        Raises
        ------
        subprocess.TimeoutExpired
            if it takes longer than so many seconds; its processes are killed.
        """
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(self._process.pid, 9)
            self._process.wait()
            error.output = self._bytes.decode(errors="replace")
            raise
        self._reader.join(2)  # a process that it has left in the background may keep the terminal open
        return Shown(code, lines_of(self._bytes).split("\n"))


def lines_of(raw: bytes) -> str:
    """What a terminal shows of `raw`: of a progress bar its last state, and no colours."""
    lines = _ESCAPES.sub("", raw.decode(errors="replace")).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines).rstrip("\n")


def shown(command: str, folder: Path, environment: Mapping[str, str], keys: str = "", seconds: float = 240) -> Shown:
    """Run a command to its end; keys: what is typed ahead."""
    terminal = Terminal(command, folder, environment)
    terminal.type(keys)
    return terminal.end(seconds)
