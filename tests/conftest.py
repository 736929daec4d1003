"""The table of faults, and corpora too large, or not free enough, for this repository: tests on those skip without."""

from pathlib import Path

import pytest

from tests.faults.table import pytest_collection_modifyitems, pytest_configure, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_configure", "pytest_terminal_summary"]

SHARED = Path(__file__).parents[2] / "shared"


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
