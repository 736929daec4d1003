"""The table of faults, and corpora too large, or not free enough, for this repository: tests on those skip without."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.faults import table
from tests.faults.table import pytest_configure, pytest_terminal_summary
from tests.once import keep_in

__all__ = ["pytest_configure", "pytest_terminal_summary"]

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("attune", deadline=None)
settings.load_profile("attune")

SHARED = Path(__file__).parents[2] / "shared"
# Files of a few long tests. They run first, since the last file of all runs while other cores have nothing left to do.
LONG = {
    "test_sharding.py",
    "test_repro.py",
    "test_blocks.py",
    "test_extending.py",
    "test_shared_batch.py",
    "test_launcher.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    table.pytest_collection_modifyitems(items)
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session", autouse=True)
def _once(tmp_path_factory: pytest.TempPathFactory) -> None:
    keep_in(tmp_path_factory)


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """Human-written text in the four corpora's layouts."""
    return _folder("corpora")


@pytest.fixture(scope="session")
def real_formats() -> Path:
    """A few genuine rows of PEC and EmpatheticDialogues."""
    return _folder("formats")
