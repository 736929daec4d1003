"""The hub's own client and hostile archives: what is fetched is whole, or there is one error and nothing is left."""

import stat
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from huggingface_hub import constants
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.corpora import record_of
from attune.parameters.data import Archive, HubDataset
from attune.sources import hub as sources_hub
from attune.sources.archive import unpack_zip
from attune.sources.fetching import fetch
from tests.sources.corpora_by_hand import write
from tests.sources.hub_server import Fault, Hub, serve, undisturbed

ORCA, FILE, PEC = "datasets/Open-Orca/OpenOrca", "1M-GPT4-Augmented.parquet", "/files/hf_pec.zip"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The client reads its environment when it is imported, so that its constants are set in its place."""
    undisturbed(monkeypatch)
    write("openorca", tmp_path / "served")
    repos = {ORCA: {"main": tmp_path / "served"}}
    with serve(Hub(repos, {PEC: tmp_path / "hf_pec.zip"})) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
        yield running


def orca(folder: Path, revision: str = "main") -> bytes:
    published = HubDataset(repo="Open-Orca/OpenOrca", revision=revision, cap=None)
    fetch(record_of("openorca"), "hub", folder / "raw/openorca", published, "error", seed=1)
    return (folder / "raw/openorca" / FILE).read_bytes()


def refused(folder: Path, match: str, revision: str = "main") -> str:
    with pytest.raises(AttuneError, match=match) as raised:
        orca(folder, revision)
    assert "\n" not in str(raised.value)
    assert list((folder / "raw").iterdir()) == []
    assert not list(folder.glob("cache/**/*.incomplete"))
    return str(raised.value)


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(cut=500)],
        [Fault(cut=500), Fault(whole=True)],
        [Fault(pause=2, cut=9)],
        [Fault(429, headers={"Retry-After": "0"})],
        [Fault(500), Fault(503)],
    ],
    ids=["cut", "cut, no ranges", "stalled", "429", "500 and 503"],
)
@pytest.mark.fault("the hub: {}", "the file is fetched whole")
def test_what_passes(hub: Hub, tmp_path: Path, faults: list[Fault | None]) -> None:
    hub.faults[f"GET /{ORCA}/resolve/main/{FILE}"] = faults
    assert orca(tmp_path) == (tmp_path / "served" / FILE).read_bytes()
    if faults == [Fault(cut=500)]:
        assert hub.ranges == ["", "bytes=500-"]


@pytest.mark.fault("the hub: a reset connection", "the file is fetched whole")
def test_a_reset_connection_is_tried_again(hub: Hub, tmp_path: Path) -> None:
    hub.faults[f"GET /{ORCA}/resolve/main/{FILE}"] = [Fault(cut=500, reset=True)]
    assert orca(tmp_path) == (tmp_path / "served" / FILE).read_bytes()


@pytest.mark.fault("the hub: HTTP 500, every time", "one sentence after three tries")
def test_a_server_that_stays_broken(hub: Hub, tmp_path: Path) -> None:
    hub.faults[f"GET /{ORCA}/resolve/main/{FILE}"] = [Fault(500)] * 9
    refused(tmp_path, rf"/{ORCA}/resolve/main/{FILE} could not be fetched \(.*500 Internal Server Error")
    assert len(hub.ranges) == 3


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{"Retry-After": "86400"}, {"RateLimit": '"api";r=0;t=86400'}])
@pytest.mark.fault("the hub: a rate limit that lasts a day", "one sentence with the time, and no waiting")
def test_a_long_wait_is_not_waited_for(hub: Hub, tmp_path: Path, method: str, headers: dict[str, str]) -> None:
    hub.faults[f"{method} /{ORCA}/resolve/main/{FILE}"] = [Fault(429, headers=headers)] * 9
    refused(tmp_path, r"\(HTTP Error 429; the server asks to wait 86,400 s\); try again later")


@pytest.mark.fault("the hub's Xet storage without a file", "address and what to do in one sentence")
def test_a_file_that_xet_storage_does_not_give(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))  # where the Xet client writes
    hub.xet.add(FILE)
    message = refused(
        tmp_path, "404.*; try again later, or with HF_HUB_DISABLE_XET=1 in the environment, or set source"
    )
    assert message.startswith(f"{hub.url}/{ORCA}/resolve/main/{FILE} could not be fetched (")


@pytest.mark.fault("the hub: other bytes of the same size", "fetched again")
def test_other_bytes_of_the_same_size_are_fetched_again(hub: Hub, tmp_path: Path) -> None:
    sound = (tmp_path / "served" / FILE).read_bytes()
    hub.faults[f"GET /{ORCA}/resolve/main/{FILE}"] = [Fault(200, sound[::-1])]
    assert orca(tmp_path) == sound
    cached = next((tmp_path / "cache").glob("**/blobs/*"))
    cached.write_bytes(sound[::-1])
    assert orca(tmp_path) == sound


@pytest.mark.fault("the hub: other bytes each time", "refused with both hashes, and not kept")
def test_other_bytes_of_the_same_size_each_time(hub: Hub, tmp_path: Path) -> None:
    wrong = (tmp_path / "served" / FILE).read_bytes()[::-1]
    hub.faults[f"GET /{ORCA}/resolve/main/{FILE}"] = [Fault(200, wrong)] * 2
    refused(tmp_path, rf"its sha256 is [0-9a-f]{{64}}, and the hub names {sha256(tmp_path / 'served' / FILE)}\)")
    assert not [path for path in tmp_path.glob("cache/**/*") if path.name == FILE or len(path.name) == 64]


@pytest.mark.usefixtures("hub")
@pytest.mark.fault("the hub: a revision that has moved away", "the key is named")
def test_a_revision_that_is_gone_is_named(tmp_path: Path) -> None:
    refused(tmp_path, r"set corpora\.openorca\.revision to one that Open-Orca/OpenOrca has, .* no 'v1' \(any", "v1")


@pytest.mark.usefixtures("hub")
@pytest.mark.fault("the hub: a revision without the file", "the key is named")
def test_a_file_that_a_revision_lacks(tmp_path: Path) -> None:
    (tmp_path / "served" / FILE).unlink()
    refused(tmp_path, rf"Entry Not Found.*set corpora\.openorca\.revision to one at which .* has {FILE}, .* at 'main'")


@pytest.mark.fault("the hub: a dataset that is gone", "the key is named")
def test_a_dataset_that_is_gone(hub: Hub, tmp_path: Path) -> None:
    hub.repos.clear()
    refused(tmp_path, r"Repository Not Found.*correct corpora\.openorca\.repo, or where .* run `hf auth login`")


@pytest.mark.fault("the hub: HTML from something else", "one sentence")
def test_a_web_page_from_something_that_is_no_hub(hub: Hub, tmp_path: Path) -> None:
    page = Fault(200, b"<!doctype html>", {"Content-Type": "text/html"})
    hub.faults[f"HEAD /{ORCA}/resolve/main/{FILE}"] = [page]
    refused(tmp_path, r"missing the 'X-Repo-Commit' header, so it does not seem to be served by")


@pytest.mark.fault("the hub: HTML in the file's place", "named by its place on the hub")
def test_a_web_page_that_the_hub_keeps_as_the_file(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "served" / FILE).write_bytes(b"<!doctype html><title>Log in</title>")
    message = refused(tmp_path, r"is a web page \(HTML\)")
    assert message.startswith(f"{hub.url}/{ORCA}/{FILE}")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:9", "what://127.0.0.1:9"])
def test_a_proxy_that_the_client_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    message = refused(tmp_path, rf"through the proxy {proxy[:4]}.*://127\.0\.0\.1:9\); check the proxy, ")
    assert "secret" not in message


@pytest.mark.slow
@pytest.mark.usefixtures("hub")
@pytest.mark.fault("the hub: a proxy that does not answer", "named, without its password")
def test_a_dead_proxy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client itself tries for some twenty seconds."""
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    message = refused(tmp_path, r"refused; through the proxy http://127\.0\.0\.1:9\); check the proxy, the network")
    assert "secret" not in message


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in members:
            out.writestr(name, text, compress_type=zipfile.ZIP_DEFLATED)
    return content.getvalue()


def link() -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("hf_pec/happy")
    made.create_system, made.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return made


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(("a", b"1"), ("../x", b"2")), r"'\.\./x' is a name that could lead out of the folder"),
        (zipped(("a", b"1"), ("/tmp/x", b"2")), r"'/tmp/x' is a name that could lead out of the folder"),
        (zipped((link(), b"/etc")), "'hf_pec/happy' is a link or a special file"),
        (zipped(("a", bytes(4 << 20))), r"unpacks to over 100 times its size \(up to 'a'\)"),
        (zipped(("a", b"1" * 999))[:-9], "is not a complete zip file"),
        (zipped(("a", b"1")), r"pec\.zip/hf_pec/happy/train\.txt is missing; pec consists of"),
        (b"PK\x03\x04", "is not a complete zip file"),
        (b"", "is not a complete zip file"),
        (b"<html>expired</html>", r"is a web page \(HTML\)"),
    ],
    ids=["dots", "absolute", "link", "bomb", "truncated", "another corpus", "only a head", "empty", "page"],
)
def test_an_archive_that_must_not_be_unpacked(hub: Hub, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "hf_pec.zip").write_bytes(content)
    url = hub.url + PEC
    with pytest.raises(AttuneError, match=rf"^{url}.*{reason}.*fetch it again") as raised:
        fetch(record_of("pec"), "hub", tmp_path / "raw/pec", Archive(url=url, sha256=None), "error", seed=1)
    assert "\n" not in str(raised.value)
    assert ".part" not in str(raised.value)
    assert list((tmp_path / "raw").iterdir()) == []


def test_the_size_limit_names_itself(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_hub, "ARCHIVE_LIMITS", {"limit_bytes": 1000, "limit_files": 9})
    (tmp_path / "hf_pec.zip").write_bytes(zipped(("a", b"1" * 600), ("b", b"2" * 600)))
    published = Archive(url=hub.url + PEC, sha256=None)
    with pytest.raises(AttuneError, match=r"unpacks to over 1,000 bytes \(up to 'b'\)"):
        fetch(record_of("pec"), "hub", tmp_path / "raw/pec", published, "error", seed=1)


SOUND = zipped(("a/", b""), ("a/b.txt", b"hello " * 9), ("c.txt", b"x"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(SOUND)))
def test_a_damaged_archive_is_unpacked_or_refused(changes: list[tuple[int, int]], end: int) -> None:
    content = bytearray(SOUND)
    for place, value in changes:
        content[place] = value
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        # Every second time the whole archive: what is cut off loses the list of its members, and nothing else is seen.
        path.write_bytes(content[:end] if end % 2 else content)
        try:
            unpack_zip(path, Path(folder) / "out", 1000, 10)
        except AttuneError as error:
            message = str(error)
            left = [each.name for each in Path(folder).iterdir()]
        else:
            return
    assert message.startswith("a.zip")
    assert left == ["a.zip"]
