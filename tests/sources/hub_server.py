"""A small server on loopback that speaks as much of the hub's protocol as its real client asks for."""

import hashlib
import json
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from attune.core import waits
from attune.sources import transfer


@dataclass
class Fault:
    """What goes wrong with one answer.

    `status`, with `body` and `headers`: instead of the file. `cut`: bytes after which the connection ends, or
    is `reset`. `pause`: silence before each of those bytes, or before the headers if there is no `cut`. `whole`: ranges
    are ignored. `unsized`: the answer does not say how long it is.
    """

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    pause: float = 0
    whole: bool = False
    unsized: bool = False


@dataclass
class Hub:
    """`repos`: `datasets/<owner>/<name>` (or `models/`) -> revision -> folder; `plain`: path -> file."""

    repos: dict[str, dict[str, Path]] = field(default_factory=dict)
    plain: dict[str, Path] = field(default_factory=dict)
    # Paths whose body ends halfway, as a broken connection's does.
    cut: set[str] = field(default_factory=set)
    # "GET <path>" or "HEAD <path>" -> what goes wrong with the first answer, the second, ...; those after are sound.
    faults: dict[str, list[Fault | None]] = field(default_factory=lambda: defaultdict(list))
    # Names of files that are in Xet storage, which has lost them: it answers 404 at once.
    xet: set[str] = field(default_factory=set)
    # Repositories that everybody may list, and whose files are for those with this token alone.
    gated: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    # The Range of each GET, empty where it asks for the whole file.
    ranges: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @staticmethod
    def commit(repo: str, revision: str) -> str:
        return hashlib.sha1(f"{repo}@{revision}".encode()).hexdigest()

    def find(self, repo: str, revision: str) -> tuple[str, Path] | None:
        """The commit and folder of a branch, or of a commit itself."""
        for name, folder in self.repos.get(repo, {}).items():
            commit = self.commit(repo, name)
            if revision in (name, commit):
                return commit, folder
        return None


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` for the length of the block; its `url` is what HF_ENDPOINT must be."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    fault: Fault | None

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        raw = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {raw}")
        if self.command == "GET":
            self.hub.ranges.append(self.headers.get("Range", ""))
        waiting = self.hub.faults[f"{self.command} {raw}"]
        self.fault = waiting.pop(0) if waiting else None
        if self.fault and self.fault.status:
            return self._send(self.fault.status, self.fault.body, self.fault.headers)
        # A slash within a revision arrives as %2F, so parts are unquoted after the split.
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        if raw == "/xet-token":
            return self._send(200, b"", _xet_token(self.hub.url))
        if raw in self.hub.plain:
            return self._file(raw, self.hub.plain[raw], {})
        if parts[0] == "api" and len(parts) >= 4 and parts[1] in ("models", "datasets"):
            return self._api("/".join(parts[1:4]), parts[4:])
        if "resolve" in parts:
            owner = parts if parts[0] == "datasets" else ["models", *parts]
            return self._resolve(raw, "/".join(owner[:3]), owner[4], "/".join(owner[5:]))
        return self._missing("EntryNotFound")

    def _resolve(self, raw: str, repo: str, revision: str, name: str) -> None:
        if repo not in self.hub.repos:
            return self._missing("RepoNotFound")
        found = self.hub.find(repo, revision)
        if found is None:
            return self._missing("RevisionNotFound")
        commit, folder = found
        if self.hub.gated.get(repo) and self.headers.get("Authorization") != f"Bearer {self.hub.gated[repo]}":
            return self._send(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
        headers = {"X-Repo-Commit": commit}
        if not (folder / name).is_file():
            return self._missing("EntryNotFound", headers)
        return self._file(raw, folder / name, headers)

    def _api(self, repo: str, rest: list[str]) -> None:
        """What snapshot_download and load_dataset ask: a revision's commit, and its tree."""
        revision = rest[1] if len(rest) > 1 else "main"
        found = self.hub.find(repo, revision)
        if found is None:
            return self._missing("RevisionNotFound" if repo in self.hub.repos else "RepoNotFound")
        commit, folder = found
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        names = [path.relative_to(folder).as_posix() for path in files]
        if rest[:1] != ["tree"]:
            siblings = [{"rfilename": name} for name in names]
            identity = repo.partition("/")[2]
            gated = "auto" if repo in self.hub.gated else False
            return self._json({"id": identity, "sha": commit, "siblings": siblings, "tags": [], "gated": gated})
        prefix = "/".join(rest[2:])
        tree = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path)}
            for name, path in zip(names, files, strict=True)
            if name.startswith(prefix)
        ]
        return self._json(tree)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _missing(self, code: str, headers: dict[str, str] | None = None) -> None:
        self._send(404, b"", {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def _file(self, raw: str, path: Path, headers: dict[str, str]) -> None:
        body, status, etag = path.read_bytes(), 200, f'"{_etag(path)}"'
        headers = {**headers, "ETag": etag, "Accept-Ranges": "bytes"}
        if path.name in self.hub.xet:
            headers |= {"X-Xet-Hash": "a" * 64, "X-Xet-Refresh-Route": f"{self.hub.url}/xet-token"}
        wanted = self.headers.get("Range", "")
        current = self.headers.get("If-Range", etag) == etag
        if wanted.startswith("bytes=") and current and not (self.fault and self.fault.whole):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            if int(first) >= len(body):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            stop = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(body)}"
            body, status = body[int(first) : stop], 206
        return self._send(status, body, headers, len(body) // 2 if raw in self.hub.cut else None)

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        fault = self.fault or Fault(cut=cut)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if not (fault.unsized and name == "Content-Length"):
                self.send_header(name, value)
        with suppress(OSError):  # whoever asked is gone
            if fault.pause and fault.cut is None:
                self.hub.closing.wait(fault.pause)
            self.end_headers()
            if self.command == "GET":
                self._body(fault, body[: fault.cut])

    def _body(self, fault: Fault, body: bytes) -> None:
        if not (fault.pause and fault.cut):
            self.wfile.write(body)
        for letter in body if fault.pause and fault.cut else b"":
            self.hub.closing.wait(fault.pause)
            self.wfile.write(bytes([letter]))
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _etag(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _xet_token(url: str) -> dict[str, str]:
    """Where the storage is and what opens it, for the next hours."""
    expires = str(int(time.time()) + 9999)
    return {"X-Xet-Cas-Url": f"{url}/xet", "X-Xet-Access-Token": "any", "X-Xet-Token-Expiration": expires}


def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the server itself, whatever proxies the environment names, and try again at once."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for module in (transfer, waits):
        monkeypatch.setattr(module, "WAITS", (0.0, 0.0))
