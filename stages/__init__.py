"""What runs: one module a stage, started as `python -m stages.NAME`. Stages import attune, never each other."""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec

from attune.determinism import prepare
from attune.errors import AttuneError

if find_spec("ruamel") is None:
    sys.exit(f"error: {sys.executable} lacks the project's packages; `make setup`, then `source .venv/bin/activate`")
prepare()
# Loading an encoder without its pooler is meant, and not worth a table of warnings each time.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def start(main: Callable[..., None]) -> None:
    """Call `main` with the command line's words; an AttuneError becomes one message and exit code 1."""
    try:
        main(*sys.argv[1:])
    except AttuneError as error:
        sys.exit(f"error: {error}")
