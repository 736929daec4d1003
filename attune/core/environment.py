"""The Python, the terminal and the processes that the project finds itself among."""

import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper
from urllib.parse import urlsplit

from attune.core.errors import without_secrets

# Of the hub's client.
_SECONDS, _ENDPOINT = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"), "HF_ENDPOINT"


def require_environment() -> None:
    """End the process with one sentence where the project's packages cannot be imported; call it before using them.

    They are not installed, or the shell has set what the hub's client reads when it is imported to what it cannot read.
    """
    if find_spec("ruamel") is None:
        advice = "`make setup`, then `source .venv/bin/activate`"
        sys.exit(f"error: {sys.executable} lacks the project's packages; {advice}")
    for name in _SECONDS:
        if not (value := os.environ.get(name, "1")).isdecimal():
            sys.exit(f"error: the environment's {name} is {value!r}; it must be a whole number of seconds")
    if (endpoint := os.environ.get(_ENDPOINT)) and not _is_address(endpoint):
        told = without_secrets(endpoint).rpartition("@")[2].partition("?")[0]
        sys.exit(f"error: the environment's {_ENDPOINT} is {told!r}; it must be an address such as https://host")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the host or the port
        return False


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
