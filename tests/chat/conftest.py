import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.chat.artifacts import Places
from attune.chat.engine import Talker
from attune.parameters import load
from tests.chat.made import make


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pipeline leaves, tiny."""
    folder = tmp_path_factory.mktemp("made")
    make(folder)
    return folder


@pytest.fixture(scope="session")
def talker(root: Path) -> Talker:
    return Talker(load(root / "params.yaml"), Places(root))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def served(talker: Talker) -> Iterator[tuple[Any, str]]:
    """A page that is being served, and where."""
    from attune.chat.page import serve

    page, address = serve(talker, "127.0.0.1", free_port(), wait=False)
    yield page, address
    page.close()


@pytest.fixture(scope="session")
def address(served: tuple[Any, str]) -> str:
    return served[1]
