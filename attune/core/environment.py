"""Whether the Python that runs is the one that `make setup` has installed the project's packages for."""

import sys
from importlib.util import find_spec


def require_packages() -> None:
    """End the process with one sentence where the project's packages are not installed; call it before using them."""
    if find_spec("ruamel") is None:
        advice = "`make setup`, then `source .venv/bin/activate`"
        sys.exit(f"error: {sys.executable} lacks the project's packages; {advice}")
