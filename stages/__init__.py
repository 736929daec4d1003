"""What runs: one module a stage, started as `python -m stages.NAME`. Stages import attune, never each other."""

import sys
from collections.abc import Callable

from attune.determinism import pin_instructions
from attune.errors import AttuneError

pin_instructions()


def start(main: Callable[..., None]) -> None:
    """Call `main` with the command line's words; an AttuneError becomes one message and exit code 1."""
    try:
        main(*sys.argv[1:])
    except AttuneError as error:
        sys.exit(f"error: {error}")
