from pathlib import Path

import pytest

from tests.project import changed
from tests.stages.running import data


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `data` that the data stages make of the sample."""
    folder = tmp_path_factory.mktemp("sample")
    changed(folder)
    return data(folder)
