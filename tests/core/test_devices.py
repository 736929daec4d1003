import pytest
import torch

from attune.core.devices import device
from attune.core.errors import AttuneError


@pytest.fixture(autouse=True)
def _fresh() -> None:
    device.cache_clear()


def test_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATTUNE_DEVICE", raising=False)
    assert device() == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("wish", ["gpu", "cuda", "MPS"])
def test_another_wish_than_mps_is_refused(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_DEVICE", wish)
    with pytest.raises(AttuneError, match=rf"^ATTUNE_DEVICE is {wish}; unset it"):
        device()


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="of machines without it")
def test_mps_where_there_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_DEVICE", "mps")
    with pytest.raises(AttuneError, match="this machine has no MPS"):
        device()
