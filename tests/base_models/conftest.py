from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cobert.tiny import encoder
from tests.sources.hub_server import Hub, serve, undisturbed


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    undisturbed(monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve(Hub({"models/me/m": {"main": encoder(tmp_path / "served")}})) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield running
        set_client_factory(default_client_factory)
