"""One address into one file: what was cut is resumed and what passes is waited for, both within bounds."""

import re
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, InvalidURL
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from attune.core.errors import AttuneError, one_line, without_secrets
from attune.core.waits import LATER, LONGEST_WAIT, PASSING, retry_after
from attune.corpora.reading import check_content

CHUNK = 1 << 16
# How long a server may say nothing. What brings fewer than SLOWEST bytes per second over this time has stalled.
TIMEOUT_SECONDS = 60.0
SLOWEST = 1024
ELSEWHERE = "set source to `sample` (offline) or to a directory that holds the files"
# Seconds between one try and the next.
WAITS = (1.0, 2.0, 4.0, 8.0)


class Passing(Exception):
    """What may not happen again. seconds: what the server asks to wait. step: what to do if it always happens."""

    def __init__(self, reason: object, seconds: float = 0.0, step: str = "") -> None:
        super().__init__(one_line(reason))
        self.seconds, self.step = seconds, step


@dataclass
class _Received:
    """What a file holds so far, and what the server said of the whole."""

    out: IO[bytes]
    size: int = 0
    total: int | None = None
    validator: str = ""

    def asks_for(self) -> dict[str, str]:
        """The headers that ask for the rest, or for all of it if the file behind the address is another by now."""
        rest = {"Range": f"bytes={self.size}-"} if self.size else {}
        return rest | {"If-Range": self.validator} if rest and self.validator else rest

    def place(self, headers: Mapping[str, str]) -> None:
        """Put what an answer brings where it belongs: behind what is there, or in its place."""
        part = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18}|\*)", headers.get("Content-Range", ""))
        length = headers.get("Content-Length", "")
        if not part:
            self.size, self.validator = 0, _validator(headers)
            self.total = int(length) if re.fullmatch(r"\d{1,18}", length) else None
        elif int(part[1]) != self.size or (self.total is not None and part[2] not in ("*", str(self.total))):
            self.size = 0  # the next try begins at the start
            raise Passing("the server sent another part of the file than was asked for", step=LATER)
        self.out.seek(self.size)
        self.out.truncate()

    def add(self, chunk: bytes) -> None:
        self.out.write(chunk)
        self.size += len(chunk)


def download(url: str, path: Path) -> None:
    """Stream `url` into `path`; a connection that was cut is resumed where the server can do that.

    Raises
    ------
    AttuneError
        with address, reason and next step: for an answer that is an error, for a web page in the file's place, and
        when every try has failed.
    """
    with path.open("wb") as out:
        received = _Received(out)
        for tried, wait in enumerate((*WAITS, None), start=1):
            try:
                _receive(url, received)
                break
            except Passing as error:
                if wait is None:
                    raise failed(url, f"{error}; tried {tried} times", error.step) from None
                pause(url, error, wait)
    try:
        check_content(path)
    except AttuneError as error:
        raise AttuneError(str(error).replace(str(path), without_secrets(url))) from None


def pause(url: str, error: Passing, wait: float) -> None:
    """Wait before the next try, as long as the server asks for and at least `wait` seconds, and say so.

    Raises
    ------
    AttuneError
        where the server asks for more than LONGEST_WAIT.
    """
    if error.seconds > LONGEST_WAIT:
        raise failed(url, f"{error}; the server asks to wait {error.seconds:,.0f} s", LATER)
    seconds = max(wait, error.seconds)
    print(f"{without_secrets(url)}: {error}; trying again in {seconds:.0f} s", file=sys.stderr, flush=True)
    time.sleep(seconds)


def failed(url: str, reason: object, step: str = "", other: str = ELSEWHERE) -> AttuneError:
    """step: what to do next, where more is known than that something lies between here and there.

    other: where else the files may be from.
    """
    proxy = _proxy(url)
    step = step or f"check {'the proxy, ' if proxy else ''}the network and the key corpora"
    through = f"; through the proxy {proxy}" if proxy else ""
    return AttuneError(f"{without_secrets(url)} could not be fetched ({one_line(reason)}{through}); {step}, or {other}")


def _receive(url: str, received: _Received) -> None:
    """One try; what was received before is kept where the server continues it."""
    with _opened(url, received) as answer:
        received.place(answer.headers)
        for chunk in _chunks(answer, received):
            received.add(chunk)
    if received.total not in (None, received.size):
        raise Passing(f"the connection was cut after {received.size:,} of {received.total:,} bytes", step=LATER)


def _opened(url: str, received: _Received) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(_proxies()))
    try:
        return opener.open(urllib.request.Request(url, headers=received.asks_for()), timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        error.close()
        if error.code == 416 and received.size:
            received.size = 0
            raise Passing(error, step=LATER) from None
        if error.code in PASSING:
            raise Passing(error, retry_after(error.headers), LATER) from None
        raise failed(url, error, "correct the address in the key corpora" if error.code in (404, 410) else "") from None
    except (InvalidURL, ValueError) as error:
        raise failed(url, error, "correct the address in the key corpora") from None
    except (OSError, HTTPException) as error:
        if isinstance(error, URLError) and isinstance(error.reason, str):  # asked nobody: no host, or an unknown proxy
            raise failed(url, error) from None
        raise Passing(error) from None


def _chunks(answer: Any, received: _Received) -> Iterator[bytes]:
    """As they arrive, until the answer ends."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    until, brought = time.monotonic() + TIMEOUT_SECONDS, 0
    bar = tqdm(total=received.total, initial=received.size, unit="B", unit_scale=True, disable=not sys.stderr.isatty())
    with bar:
        while received.size != received.total:
            try:
                chunk = answer.read1(CHUNK)
            except (OSError, HTTPException) as error:
                raise Passing(error) from None
            if not chunk:
                return
            brought += len(chunk)
            if time.monotonic() > until:
                if brought < SLOWEST * TIMEOUT_SECONDS:
                    raise Passing(f"stalled: {brought:,} bytes in {TIMEOUT_SECONDS:.0f} s", step=LATER)
                until, brought = time.monotonic() + TIMEOUT_SECONDS, 0
            bar.update(len(chunk))
            yield chunk


def _validator(headers: Mapping[str, str]) -> str:
    """What tells this file from a later one at the same address; weak tags do not."""
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _proxies() -> dict[str, str]:
    """As the environment sets them; `all_proxy`, which urllib leaves out, holds here as in the hub's client."""
    found = urllib.request.getproxies()
    each = {scheme: found.get(scheme) or found.get("all") for scheme in ("http", "https")}
    return {scheme: proxy for scheme, proxy in each.items() if proxy}


def _proxy(url: str) -> str:
    """The proxy that `url` is asked for through, without a user's name and password; empty without one."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if not urllib.request.proxy_bypass(parts.netloc):
            return re.sub(r"(^|//)[^/]*@", r"\1", _proxies().get(parts.scheme, ""))
    return ""
