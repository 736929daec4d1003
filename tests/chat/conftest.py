import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attune.chat.artifacts import Artifacts
from attune.chat.engine import Engine
from attune.chat.gradio_settings import prepare
from attune.parameters import load
from tests.chat.tiny_pipeline import built

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

prepare()  # before a test imports the page, as app.py does


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pipeline's params.yaml, models and data."""
    return built(tmp_path_factory)


@pytest.fixture(scope="session")
def engine(root: Path) -> Engine:
    return Engine(load(root / "params.yaml"), Artifacts(root))


def events(stream: AsyncIterator[Any]) -> list[Any]:
    async def gathered() -> list[Any]:
        return [each async for each in stream]

    return asyncio.run(gathered())


@pytest.fixture
def report(root: Path) -> Iterator[Path]:
    """Where the page looks for the report: a file that is missing before the test and after it."""
    path = root / "plots/report.html"
    path.parent.mkdir(exist_ok=True)
    yield path
    path.unlink(missing_ok=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def served(engine: Engine) -> Iterator[tuple[Any, str]]:
    """A page that is being served, and its address."""
    from attune.chat.page import serve

    page, address = serve(engine, "127.0.0.1", free_port(), wait=False)
    yield page, address
    page.close()


@pytest.fixture(scope="session")
def address(served: tuple[Any, str]) -> str:
    return served[1]


@pytest.fixture
def page(browser: "Browser", address: str) -> Iterator["Page"]:
    """The page in Chromium."""
    from tests.chat.browser import opened

    with opened(browser, address) as page:
        yield page
