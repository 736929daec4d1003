from pathlib import Path

import pytest

from tests.stages.running import data
from tests.test_parameters import changed


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `data` that the data stages make of the sample."""
    folder = tmp_path_factory.mktemp("sample")
    changed(folder)
    return data(folder)
