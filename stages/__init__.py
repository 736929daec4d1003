"""What runs: one module per stage, started as `python -m stages.NAME name=value ...`. Stages import attune alone."""

import inspect
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attune.core.determinism import prepare
from attune.core.errors import AttuneError

if find_spec("ruamel") is None:
    sys.exit(f"error: {sys.executable} lacks the project's packages; `make setup`, then `source .venv/bin/activate`")
prepare()
# Loading an encoder without its pooler is intended, and not worth a table of warnings each time.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def start(main: Callable[..., None]) -> None:
    """Call `main` with the command line's `name=value` words; an AttuneError becomes one message and exit code 1."""
    try:
        main(**arguments(main, sys.argv[1:]))
    except AttuneError as error:
        sys.exit(f"error: {error}")


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
    module = sys.modules[main.__module__]
    name = module.__spec__.name if module.__spec__ else main.__module__
    return f"usage: python -m {name} {' '.join(words)}"
