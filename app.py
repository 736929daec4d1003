"""The page: `python app.py [--host HOST] [--port PORT]`, after `make repro`. `make app` installs and starts it."""

import argparse
import sys
from pathlib import Path

from attune.core.environment import require_packages
from attune.core.errors import AttuneError


def main() -> None:
    require_packages()
    from attune.chat.choices import require_ready
    from attune.chat.engine import Engine

    parser = argparse.ArgumentParser(description="Serve the page on which you can chat with every system.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts other machines (default: this one only)")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).parent, help="the folder with params.yaml, models and data"
    )
    arguments = parser.parse_args()
    try:
        engine = Engine.from_root(arguments.root)
        require_ready(engine)
    except AttuneError as error:
        sys.exit(f"error: {error}")
    from attune.chat.page import serve

    try:
        serve(engine, arguments.host, arguments.port)
    except (OSError, OverflowError):
        sys.exit(
            f"error: port {arguments.port} on {arguments.host} is in use or may not be opened; choose one with --port"
        )


if __name__ == "__main__":
    main()
