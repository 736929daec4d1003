"""A small server on loopback that speaks as much of the hub's protocol as its real client asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """`repos`: `datasets/<owner>/<name>` (or `models/`) -> revision -> folder; `plain`: path -> file."""

    repos: dict[str, dict[str, Path]] = field(default_factory=dict)
    plain: dict[str, Path] = field(default_factory=dict)
    # Paths whose body ends halfway, as a broken connection's does.
    cut: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
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
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        raw = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {raw}")
        # A slash within a revision arrives as %2F, so parts are unquoted after the split.
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        if raw in self.hub.plain:
            self._file(raw, self.hub.plain[raw], {})
        elif parts[0] == "api" and len(parts) >= 4 and parts[1] in ("models", "datasets"):
            self._api("/".join(parts[1:4]), parts[4:])
        elif "resolve" in parts:
            owner = parts if parts[0] == "datasets" else ["models", *parts]
            self._resolve(raw, "/".join(owner[:3]), owner[4], "/".join(owner[5:]))
        else:
            self._missing("EntryNotFound")

    def _resolve(self, raw: str, repo: str, revision: str, name: str) -> None:
        if repo not in self.hub.repos:
            return self._missing("RepoNotFound")
        found = self.hub.find(repo, revision)
        if found is None:
            return self._missing("RevisionNotFound")
        commit, folder = found
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
            return self._json({"id": identity, "sha": commit, "siblings": siblings, "tags": []})
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
        body, status = path.read_bytes(), 200
        headers = {**headers, "ETag": f'"{_etag(path)}"', "Accept-Ranges": "bytes"}
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            stop = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(body)}"
            body, status = body[int(first) : stop], 206
        self._send(status, body, headers, cut=raw in self.hub.cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)


def _etag(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
