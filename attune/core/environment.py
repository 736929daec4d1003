"""The Python, the terminal and the processes that the project finds itself among."""

import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper


def require_packages() -> None:
    """End the process with one sentence where the project's packages are not installed; call it before using them."""
    if find_spec("ruamel") is None:
        advice = "`make setup`, then `source .venv/bin/activate`"
        sys.exit(f"error: {sys.executable} lacks the project's packages; {advice}")


def print_any_text() -> None:
    """Print `?` for a letter that the terminal's encoding lacks, and read what it cannot decode as U+FFFD.

    People write in every script; an emoji on a Latin-1 terminal is no reason to lose a conversation or a training.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def lives(process: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
