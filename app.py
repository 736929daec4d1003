"""The page: `python app.py [--host HOST] [--port PORT]`, after `make repro`. `make app` installs and starts it."""

import argparse
import socket
import sys
from pathlib import Path
from typing import Any

from attune.core.determinism import prepare as set_libraries_up
from attune.core.environment import require_environment
from attune.core.errors import AttuneError


def main() -> None:
    require_environment()
    set_libraries_up()
    from attune.chat.choices import require_ready
    from attune.chat.engine import Engine
    from attune.chat.gradio_settings import prepare

    parser = argparse.ArgumentParser(description="Serve the page on which you can chat with every system.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts other machines (default: this one only)")
    parser.add_argument("--port", type=port_number, default=7860, help="where it listens (default: %(default)s)")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(__file__).parent,
        help="the folder with params.yaml, models and data (default: this one)",
    )
    arguments = parser.parse_args()
    try:
        require_free(arguments.host, arguments.port)
        engine = Engine.from_root(arguments.root)
        require_ready(engine)
        prepare()
        from attune.chat.page import serve

        serve(engine, arguments.host, arguments.port)
    except AttuneError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # Only Gradio's has no number: the port was taken since then.
        taken = f"port {arguments.port} is in use; choose another with --port"
        sys.exit(f"error: {taken if error.errno is None else error}")


def port_number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {2**16 - 1}")
    return int(text)


def require_free(host: str, port: int) -> None:
    """Raise an AttuneError where no server can listen; the web server would say so late, and not why."""
    try:
        found = socket.getaddrinfo(host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        reasons = [_refusal(*each) for each in found]
    except socket.gaierror as error:
        reasons = [error.strerror or str(error)]
    except UnicodeError:
        reasons = ["not a host name"]
    if all(reasons):
        raise AttuneError(
            f"the page cannot be served on host {host!r}, port {port}: {reasons[0]}; choose others with --host and "
            "--port"
        )


def _refusal(family: int, kind: int, protocol: int, _name: str, address: Any) -> str:
    """Why a server cannot listen at the address; empty if it can."""
    try:
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    main()
