"""Every fault happens: a server on loopback really cuts, stalls and refuses. Only waits are shorter than outside."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic

import pytest

from attune.core import waits
from attune.core.errors import AttuneError
from attune.sources import transfer
from tests.sources.hub_server import Fault, Hub, serve, undisturbed

CONTENT = random.Random(1).randbytes(300_000)
PATH = "/files/a.bin"
ASKED = f"GET {PATH}"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    undisturbed(monkeypatch)
    (tmp_path / "served").write_bytes(CONTENT)
    with serve(Hub(plain={PATH: tmp_path / "served"})) as running:
        yield running


def download(hub: Hub, folder: Path, url: str = "") -> bytes:
    transfer.download(url or hub.url + PATH, folder / "file")
    return (folder / "file").read_bytes()


def refused(hub: Hub, folder: Path, match: str, url: str = "") -> str:
    with pytest.raises(AttuneError, match=match) as raised:
        download(hub, folder, url)
    message = str(raised.value)
    assert message.startswith(url or hub.url + PATH)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.fault("a connection cut in mid-file, twice", "the rest is asked for, and the file is whole")
def test_what_was_cut_is_resumed(hub: Hub, tmp_path: Path, reset: bool) -> None:
    hub.faults[ASKED] = [Fault(cut=100_000, reset=reset), Fault(cut=1, reset=reset)]
    assert download(hub, tmp_path) == CONTENT
    first, second, third = hub.ranges
    assert first == ""
    if not reset:  # what a reset connection still delivers is not determined
        assert (second, third) == ("bytes=100000-", "bytes=100001-")


@pytest.mark.fault("a cut connection, from a server without ranges", "fetched again from the start")
def test_a_server_without_ranges_starts_again(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(cut=100_000), Fault(whole=True)]
    assert download(hub, tmp_path) == CONTENT


@pytest.mark.fault("a file that changes between two parts", "not mixed")
def test_a_file_that_changes_on_the_way_is_not_mixed(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = CONTENT[::-1]
    monkeypatch.setattr(transfer, "pause", lambda *_: (tmp_path / "served").write_bytes(other))
    hub.faults[ASKED] = [Fault(cut=100_000)]
    assert download(hub, tmp_path) == other
    assert hub.ranges == ["", "bytes=100000-"]


@pytest.mark.parametrize(
    "answer",
    [
        Fault(206, b"x", {"Content-Range": "bytes 5-5/300000"}),
        Fault(206, b"x", {"Content-Range": "bytes 100000-100000/7"}),
        Fault(416),
    ],
    ids=["another part", "another size", "no such part"],
)
@pytest.mark.fault("a server's wrong part: {}", "fetched again from the start")
def test_a_part_that_does_not_fit_starts_again(hub: Hub, tmp_path: Path, answer: Fault) -> None:
    hub.faults[ASKED] = [Fault(cut=100_000), answer]
    assert download(hub, tmp_path) == CONTENT
    assert hub.ranges == ["", "bytes=100000-", ""]


@pytest.mark.fault("a connection that breaks every time", "address, reason and a way on in one sentence")
def test_a_connection_that_breaks_every_time(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(cut=10)] * 9
    message = refused(hub, tmp_path, r"the connection was cut after 30 of 300,000 bytes; tried 3 times\); try again")
    assert "set source to `sample`" in message
    assert len(hub.requests) == 3


def test_an_answer_without_its_length(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(unsized=True)]
    assert download(hub, tmp_path) == CONTENT


@pytest.mark.parametrize("status", waits.PASSING)
@pytest.mark.fault("HTTP {status}, twice", "tried again, and said")
def test_what_passes_is_tried_again(hub: Hub, tmp_path: Path, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    hub.faults[ASKED] = [Fault(status), Fault(status)]
    assert download(hub, tmp_path) == CONTENT
    said = f"{hub.url}{PATH}: HTTP Error {status}"
    assert [line.startswith(said) for line in capfd.readouterr().err.splitlines()] == [True, True]


@pytest.mark.fault("HTTP 503, every time", "one sentence after three tries")
def test_what_does_not_pass_is_given_up(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(503)] * 9
    refused(hub, tmp_path, r"\(HTTP Error 503: Service Unavailable; tried 3 times\); try again later")
    assert len(hub.requests) == 3


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (404, "correct the address"),
        (410, "correct the address"),
        (401, "check the network"),
        (403, "check the network"),
    ],
)
@pytest.mark.fault("HTTP {status}", "one sentence, and no second request")
def test_an_answer_that_stays_is_not_asked_for_twice(hub: Hub, tmp_path: Path, status: int, step: str) -> None:
    hub.faults[ASKED] = [Fault(status)]
    refused(hub, tmp_path, rf"could not be fetched \(HTTP Error {status}: .*\); {step}")
    assert len(hub.requests) == 1


@pytest.mark.fault("HTTP 429 with Retry-After", "waited for as long as the server asks")
def test_too_many_requests_are_waited_for(hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hub.faults[ASKED] = [Fault(429, headers={"Retry-After": "1"})]
    before = monotonic()
    assert download(hub, tmp_path) == CONTENT
    assert monotonic() - before >= 1
    assert capfd.readouterr().err == f"{hub.url}{PATH}: HTTP Error 429: Too Many Requests; trying again in 1 s\n"


@pytest.mark.fault("HTTP 429 that asks for a day", "one sentence with the time, and no waiting")
def test_a_long_wait_is_not_waited_for(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(429, headers={"Retry-After": "86400"})]
    refused(hub, tmp_path, r"\(HTTP Error 429: Too Many Requests; the server asks to wait 86,400 s\); try again later")
    assert len(hub.requests) == 1


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime.now(UTC)
    assert waits.retry_after({"Retry-After": " 120 "}) == 120
    later, earlier = (format_datetime(now + timedelta(minutes=minutes), usegmt=True) for minutes in (2, -2))
    assert 110 < waits.retry_after({"Retry-After": later}) <= 120
    for value in (earlier, "soon", "", "-3", "²"):
        assert waits.retry_after({"Retry-After": value}) == 0
    assert waits.retry_after({"Retry-After": "9" * 5000}) > waits.LONGEST_WAIT


@pytest.mark.parametrize("fault", [Fault(pause=2), Fault(pause=2, cut=9)], ids=["no answer", "no bytes"])
@pytest.mark.fault("a silent server: {}", "tried again, then one sentence")
def test_silence(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.2)
    hub.faults[ASKED] = [fault]
    assert download(hub, tmp_path) == CONTENT
    hub.faults[ASKED] = [fault] * 9
    refused(hub, tmp_path, r"timed out; tried 3 times\); check the network")


@pytest.mark.fault("a server that sends a few bytes a second", "one sentence")
def test_a_trickle(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.3)
    hub.faults[ASKED] = [Fault(pause=0.05, cut=1000)] * 9
    # On a machine that is busy a pause may take longer than the time limit.
    refused(hub, tmp_path, r"(stalled: \d bytes in 0 s|timed out); tried 3 times")


@pytest.mark.fault("HTML in place of a download", "the address and what it is are named")
def test_a_web_page_in_the_files_place(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(200, b"\n<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})]
    refused(hub, tmp_path, r"is a web page \(HTML\), not a corpus file; check the address and fetch it again")


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.fault("a proxy that does not answer: {variable}", "named, without its password")
def test_a_dead_proxy_is_named(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://me:secret@127.0.0.1:9")
    message = refused(
        hub, tmp_path, r"refused.*; tried 3 times; through the proxy http://127\.0\.0\.1:9\); check the proxy"
    )
    assert "secret" not in message
    assert hub.requests == []


def test_a_proxy_is_used(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    assert download(hub, tmp_path, f"http://elsewhere.invalid{PATH}") == CONTENT


@pytest.mark.parametrize("url", ["http://[/a", "http://a b/c", "http://127.0.0.1:port/a"])
@pytest.mark.fault("an address that is none", "the key is named")
def test_an_address_that_is_none(hub: Hub, tmp_path: Path, url: str) -> None:
    refused(hub, tmp_path, "could not be fetched .*correct the address in the key corpora", url)


def test_no_host_and_a_proxy_of_another_kind(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(hub, tmp_path, "no host given.*check the network and the key corpora", "http://")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    refused(hub, tmp_path, r"through the proxy socks5://127\.0\.0\.1:9\); check the proxy")


@pytest.mark.fault("a redirection to a local file", "refused")
def test_a_redirection_to_a_local_file_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.faults[ASKED] = [Fault(302, headers={"Location": "file:///etc/passwd"})]
    refused(hub, tmp_path, r"\(HTTP Error 302: .*not allowed")
