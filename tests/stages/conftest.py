import sys
from pathlib import Path

import pytest

from tests.once import made_once
from tests.project import changed
from tests.stages.running import LARGE, data


@pytest.fixture(scope="session")
def sample() -> Path:
    """The folder `data` that the data stages make of the sample."""

    def make(folder: Path) -> None:
        changed(folder)
        data(folder)

    return made_once("sample", make) / "data"


@pytest.fixture
def without_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torch, or another of the packages that take seconds, is an error."""
    for name in LARGE:
        monkeypatch.setitem(sys.modules, name, None)
