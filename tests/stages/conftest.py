import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.project import changed
from tests.stages.running import LARGE, data


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder `data` that the data stages make of the sample."""
    # The workers of a parallel run have neighbouring temporary folders; the first that asks makes it for all of them.
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if worker_id != "master" else base) / "sample"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "complete").is_file():
            folder.mkdir(exist_ok=True)
            changed(folder)
            data(folder)
            (folder / "complete").touch()
    return folder / "data"


@pytest.fixture
def without_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torch, or another of the packages that take seconds, is an error."""
    for name in LARGE:
        monkeypatch.setitem(sys.modules, name, None)
