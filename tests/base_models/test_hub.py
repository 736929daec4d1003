import shutil
from pathlib import Path

import pytest

from attune.base_models.fetching import fetch
from attune.base_models.hub import check_id
from attune.core.errors import AttuneError
from attune.core.files import sha256
from tests.sources.hub_server import Fault, Hub, undisturbed


@pytest.mark.fault("no hub for a base model", "the model and what to do are named")
def test_the_hub_out_of_reach_names_the_model_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AttuneError, match=r"'nobody/nothing' could not be fetched .* name a directory"):
        fetch("nobody/nothing", tmp_path / "target")


def test_a_word_that_is_no_hub_id_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="could not be fetched from the hub"):
        fetch("no such/id/at all", tmp_path / "target")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9"])
@pytest.mark.fault("a proxy that the hub's client does not know: {}", "named, with what to do")
def test_a_proxy_of_an_unknown_kind_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    undisturbed(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    set_client_factory(default_client_factory)  # also forgets the client that was made without the proxy
    try:
        with pytest.raises(AttuneError, match="could not be fetched from the hub; check the id and the network"):
            fetch("nobody/nothing", tmp_path / "target")
    finally:
        set_client_factory(default_client_factory)


LISTING = "GET /api/models/me/m/revision/main"
HOUR = Fault(429, headers={"Retry-After": "3600"})


@pytest.mark.fault("the hub: HTTP 429 and 503 for the list of a model's files", "asked for again")
def test_an_overloaded_hub_is_asked_again_for_a_model(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.faults[LISTING] = [Fault(429, headers={"Retry-After": "0"}), Fault(503)]
    fetch("me/m", tmp_path / "target")
    served = tmp_path / "served" / "model.safetensors"
    assert (tmp_path / "target" / "model.safetensors").read_bytes() == served.read_bytes()
    assert capfd.readouterr().err.count("the model 'me/m': ") == 2


@pytest.mark.parametrize("place", ["list", "tree", "file"])
@pytest.mark.fault("the hub: an hour's wait for a model's {}", "one sentence with the time, and no waiting")
def test_a_long_wait_for_a_model_is_not_waited_for(hub: Hub, tmp_path: Path, place: str) -> None:
    commit = Hub.commit("models/me/m", "main")
    asked = {
        "list": LISTING,
        "tree": f"GET /api/models/me/m/tree/{commit}",
        "file": f"HEAD /me/m/resolve/{commit}/model.safetensors",
    }
    hub.faults[asked[place]] = [HOUR] * 9
    message = (
        "^the model 'me/m' could not be fetched from the hub; try again later, or name a directory that holds it, .*: "
        "HTTP Error 429; the server asks to wait 3,600 s$"
    )
    with pytest.raises(AttuneError, match=message):
        fetch("me/m", tmp_path / "target")


def test_a_model_that_was_fetched_before_is_used_where_the_hub_asks_for_a_long_wait(hub: Hub, tmp_path: Path) -> None:
    fetch("me/m", tmp_path / "first")
    hub.faults[LISTING] = [HOUR]
    fetch("me/m", tmp_path / "second")
    assert not hub.faults[LISTING]
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("first", "second")]
    assert names[0] == names[1]


@pytest.mark.fault("the hub: HTTP 503 for a model, every time", "one sentence after three tries")
def test_a_hub_that_stays_overloaded_is_left_for_later(hub: Hub, tmp_path: Path) -> None:
    hub.faults[LISTING] = [Fault(503)] * 9
    with pytest.raises(AttuneError, match=r"fetched from the hub; try again later, or name .*: .*503 Service Unavail"):
        fetch("me/m", tmp_path / "target")
    assert len(hub.faults[LISTING]) == 6


def cut_download(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interrupted download of an older client leaves in its cache: no weights, and no list of the files."""
    from huggingface_hub import constants

    fetch("me/m", folder / "first")
    left_out = shutil.ignore_patterns("trees", "model.safetensors")
    shutil.copytree(folder / "cache", folder / "cut", symlinks=True, ignore=left_out)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cut"))


@pytest.mark.usefixtures("hub")
@pytest.mark.fault("half of a model in the hub client's cache, and no network", "said, with what to do")
def test_a_download_that_was_cut_is_told_from_a_model_without_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    cut_download(tmp_path, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = (
        r"no weights.*If a download of me/m was interrupted, .* only a part of it: run this again with the network"
    )
    with pytest.raises(AttuneError, match=message):
        fetch("me/m", tmp_path / "second")
    assert not (tmp_path / "second").exists()


@pytest.mark.fault("half of a model in the hub client's cache, and an hour's wait", "one sentence with the time")
def test_a_long_wait_with_half_of_a_model_in_the_cache_is_told_as_the_wait(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_download(tmp_path, monkeypatch)
    hub.faults[LISTING] = [HOUR] * 9
    with pytest.raises(AttuneError, match=r"; try again later, or .*; the server asks to wait 3,600 s$"):
        fetch("me/m", tmp_path / "second")


@pytest.mark.parametrize(("status", "code"), [(401, "GatedRepo"), (403, "GatedRepo"), (401, "RepoNotFound")])
@pytest.mark.fault("a model that the hub gives to nobody without terms or login: {}", "said what to do")
def test_a_model_behind_terms_or_a_login_is_told_how_it_is_opened(
    hub: Hub, tmp_path: Path, status: int, code: str
) -> None:
    hub.faults[LISTING] = [Fault(status, headers={"X-Error-Code": code})] * 9
    message = r"from the hub; accept its terms on its page and run `hf auth login`, or correct the id, or name a dir"
    with pytest.raises(AttuneError, match=message):
        fetch("me/m", tmp_path / "target")


@pytest.mark.usefixtures("hub")
@pytest.mark.fault("no folder in the place of the hub client's cache", "the disk's error, not the network's")
def test_an_error_of_the_disk_is_the_disk_s(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with pytest.raises(OSError, match="cache"):
        fetch("me/m", tmp_path / "target")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.fault("SSL_CERT_FILE names no certificate, there: {}", "said of which model, not as an error of the disk")
def test_an_error_of_a_certificate_is_not_the_disk_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    certificate = tmp_path / "none.pem"
    if there:
        certificate.write_text("none")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(AttuneError, match=r"the model 'me/m' could not be fetched from the hub"):
        fetch("me/m", tmp_path / "target")


WEIGHTS = f"/me/m/resolve/{Hub.commit('models/me/m', 'main')}/model.safetensors"


@pytest.mark.fault("the hub: other bytes of the same size for a model's weights", "fetched again")
def test_weights_with_another_sha256_are_fetched_again(hub: Hub, tmp_path: Path) -> None:
    served = tmp_path / "served" / "model.safetensors"
    damaged = served.read_bytes()[:-400] + bytes(400)
    hub.faults[f"GET {WEIGHTS}"] = [Fault(200, damaged)]
    for target in ("first", "second"):
        fetch("me/m", tmp_path / target)
        assert (tmp_path / target / "model.safetensors").read_bytes() == served.read_bytes()
        (tmp_path / "cache/models--me--m/blobs" / sha256(served)).write_bytes(damaged)  # as an older version left it


@pytest.mark.fault("the hub: other bytes for a model's weights each time", "refused with both hashes, and not kept")
def test_weights_with_another_sha256_each_time_are_refused(hub: Hub, tmp_path: Path) -> None:
    served = tmp_path / "served" / "model.safetensors"
    hub.faults[f"GET {WEIGHTS}"] = [Fault(200, served.read_bytes()[::-1])] * 2
    message = (
        r"^the model 'me/m' could not be fetched from the hub; try again later, or .*: model\.safetensors: its sha256 "
        rf"is [0-9a-f]{{64}}, and the hub names {sha256(served)}$"
    )
    with pytest.raises(AttuneError, match=message):
        fetch("me/m", tmp_path / "target")
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


@pytest.mark.usefixtures("hub")
@pytest.mark.fault("a model of the hub with pickled weights alone", "said so, with what to do")
def test_a_model_with_pickled_weights_alone_is_told_from_an_interrupted_download(tmp_path: Path) -> None:
    served = tmp_path / "served"
    (served / "model.safetensors").rename(served / "pytorch_model.bin")
    message = (
        r"holds no weights; .*On the hub me/m has only pickled weights \(pytorch_model\.bin\), which are never loaded; "
        r"name a revision with safetensors \(me/m@REVISION\), or convert it elsewhere and name the directory$"
    )
    with pytest.raises(AttuneError, match=message) as raised:
        fetch("me/m", tmp_path / "target")
    assert "interrupted" not in str(raised.value)
    assert not (tmp_path / "target").exists()


@pytest.mark.usefixtures("hub")
def test_what_is_wrong_with_a_whole_model_is_not_said_to_be_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"is no causal language model, which a base must be; name another$"):
        fetch("me/m", tmp_path / "target", "base")


@pytest.mark.parametrize("model", ["me/typo", "me/typo@v1", "no such/id/at all"])
@pytest.mark.fault("an id that the hub does not have", "refused before anything is fetched")
def test_an_id_that_the_hub_does_not_have_is_refused_by_one_question(hub: Hub, model: str) -> None:
    with pytest.raises(AttuneError, match=f"^the model '{model}' could not be fetched from the hub; check the id and"):
        check_id(model)
    assert len(hub.requests) <= 1


@pytest.mark.fault("a revision of a model that the hub does not have", "named, before anything is fetched")
def test_a_revision_that_the_hub_does_not_have_is_named(hub: Hub, tmp_path: Path) -> None:
    message = r"^the model 'me/m@v9' could not be fetched from the hub; name a revision that me/m has, .* no 'v9' \(any"
    with pytest.raises(AttuneError, match=message):
        check_id("me/m@v9")
    assert len(hub.requests) == 1
    with pytest.raises(AttuneError, match=message):
        fetch("me/m@v9", tmp_path / "target")


@pytest.mark.fault("a model with an empty revision", "refused rather than taken for the main branch")
def test_an_empty_revision_is_refused(hub: Hub, tmp_path: Path) -> None:
    for refused in (check_id, lambda model: fetch(model, tmp_path / "target")):
        with pytest.raises(AttuneError, match=r"^the model 'me/m@' has nothing after the @; name a revision there, or"):
            refused("me/m@")
    assert hub.requests == []


@pytest.mark.parametrize("fault", [None, HOUR, Fault(503)])
def test_a_hub_that_does_not_answer_is_left_for_the_download(hub: Hub, fault: Fault | None) -> None:
    hub.faults["GET /api/models/me/m"] = [fault] * 9
    check_id("me/m")
    assert set(hub.requests) == {"GET /api/models/me/m"}


def test_what_is_in_the_cache_is_not_asked_for(hub: Hub, tmp_path: Path) -> None:
    fetch("me/m", tmp_path / "target")
    asked = len(hub.requests)
    check_id("me/m")
    assert len(hub.requests) == asked


@pytest.mark.fault("the hub's Xet storage without a model's weights", "the model and what to do are named")
def test_weights_that_xet_storage_does_not_give_are_one_clear_error(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))  # where the Xet client writes
    hub.xet.add("model.safetensors")
    message = (
        "^the model 'me/m' could not be fetched from the hub; try again later, or with HF_HUB_DISABLE_XET=1 in the "
        "environment, or name a directory that holds it, .*404"
    )
    with pytest.raises(AttuneError, match=message):
        fetch("me/m", tmp_path / "target")
