"""Run a module in a fork of a process that has imported the large packages, as `tools.preload` starts one.

torch and transformers take four seconds to import, which each stage of a pipeline would otherwise spend anew.
"""

import json
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError

ADDRESS = "ATTUNE_PRELOADED"  # the process's socket
SECONDS = "ATTUNE_SECONDS"  # a file to which the processor time of each fork is added, in seconds
PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def run(module: str, words: Sequence[str]) -> int | None:
    """The exit code of `python -m MODULE WORDS`, run in a fork in this process's place.

    The fork has this process's folder, environment and files 0 to 2, gets the SIGINT and SIGTERM that this process
    gets, and ends with it. None, and nothing has run, where no process can be forked: none was asked for, it still
    imports, or it has ended.

    Raises
    ------
    AttuneError
        if that process ends before the fork does, so that nobody knows how the fork ended.
    """
    environment = dict(os.environ)
    address = environment.pop(ADDRESS, None)
    if address is None:
        return None
    request = {"module": module, "words": words, "folder": str(Path.cwd()), "env": environment}
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        answer = _asked(connection, request)
    if answer is None:
        raise AttuneError(f"the process that {module} was forked from has ended; the same command does the rest")
    if file := environment.get(SECONDS):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(f"{answer['seconds']}\n")
    return int(answer["code"])


def _asked(connection: socket.socket, request: dict[str, Any]) -> dict[str, Any] | None:
    def pass_on(number: int, _: object) -> None:
        with suppress(OSError):  # the fork may have ended
            connection.send(bytes([number]))

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    try:
        text = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [text], [0, 1, 2])
        if sent < len(text):  # sending nothing to a fork that has already ended would be an error
            connection.sendall(text[sent:])
        line = connection.makefile().readline()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return json.loads(line) if line else None
