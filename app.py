"""The page: `python app.py [--host HOST] [--port PORT]`, after `make repro`; `make app` installs and starts it."""

import argparse
import sys
from pathlib import Path

from attune.chat.engine import Talker
from attune.core.errors import AttuneError


def main() -> None:
    words = argparse.ArgumentParser(description="Open the page on which every system can be talked to.")
    words.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: this one alone)")
    words.add_argument("--port", type=int, default=7860)
    words.add_argument(
        "--root", type=Path, default=Path(__file__).parent, help="the folder with params.yaml, models, data"
    )
    given = words.parse_args()
    try:
        talker = Talker.of(given.root)
    except AttuneError as error:
        sys.exit(f"error: {error}")
    from attune.chat.page import serve

    try:
        serve(talker, given.host, given.port)
    except (OSError, OverflowError):
        sys.exit(f"error: port {given.port} of {given.host} cannot be opened; name another with --port")


if __name__ == "__main__":
    main()
