"""The hub: three corpora at pinned revisions through its client, PEC as the zip of its loading script."""

import hashlib
import http.client
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from attune.core.errors import AttuneError
from attune.corpora import layouts
from attune.parameters.data import Corpora, HubCorpus, PecSource
from attune.sources.archive import unpack_zip
from attune.sources.directory import copy_files
from attune.sources.manifest import Origin

LICENCES = {
    # The card's tag; it adds that the text is Pushshift.io's, whose legal status is unclear.
    "pec": "gpl-3.0+",
    "empathetic_dialogues": "cc-by-nc-4.0",
    "openassistant_guanaco": "apache-2.0",
    "openorca": "mit",
}
CHUNK = 1 << 20
TIMEOUT_SECONDS = 60
# hf_pec.zip has 252 MB and 8 files.
PEC_LIMITS = {"limit_bytes": 4 << 30, "limit_files": 100}


def download(corpus: str, folder: Path, parameters: Corpora) -> Origin:
    if corpus == "pec":
        return _pec(folder, parameters.pec)
    return _dataset(corpus, folder, getattr(parameters, corpus))


def _dataset(corpus: str, folder: Path, pinned: HubCorpus) -> Origin:
    """Through the hub's cache and not its `local_dir`, which would leave files of its own beside the data."""
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/datasets/{pinned.repo}"
    revision = pinned.revision
    for name in layouts(corpus)[-1].values():
        _say(f"{corpus}: {name} at {revision}")
        cached = _cached(url, pinned.repo, name, revision)
        # The files after the first are asked for by its commit: a branch may move in between.
        revision = cached.parts[cached.parts.index("snapshots") + 1]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cached, folder / name)
    public = f"https://huggingface.co/datasets/{pinned.repo}"
    return Origin("hub", url, LICENCES[corpus], public, revision)


def _cached(url: str, repo: str, name: str, revision: str) -> Path:
    """One file in the hub client's cache. HF_ENDPOINT and HF_HUB_OFFLINE are the client's own to honour."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, HTTPError

    try:
        return Path(hf_hub_download(repo, name, repo_type="dataset", revision=revision))
    except (OSError, HTTPError, EntryNotFoundError, HFValidationError) as error:
        raise _failed(f"{url}/resolve/{revision}/{name}", error) from None


def _pec(folder: Path, pinned: PecSource) -> Origin:
    archive, unpacked = folder / "hf_pec.zip", folder / "unpacked"
    _say(f"pec: {pinned.url}")
    digest = _download(pinned.url, archive)
    if pinned.sha256 not in (None, digest):
        raise AttuneError(f"{pinned.url} has sha256 {digest}; corpora.pec.sha256 expects {pinned.sha256}")
    unpack_zip(archive, unpacked, **PEC_LIMITS)
    copy_files("pec", unpacked, folder)
    archive.unlink()
    shutil.rmtree(unpacked)
    return Origin("hub", pinned.url, LICENCES["pec"], pinned.url, f"sha256:{digest}")


def _download(url: str, path: Path) -> str:
    """Stream `url` into `path` and return its sha256."""
    if not url.startswith(("http://", "https://")):
        raise AttuneError(f"corpora.pec.url = {url!r} must begin with https:// or http://")
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, path.open("wb") as out:
            size = int(answer.headers.get("Content-Length") or 0)
            for chunk in _chunks(answer, size):
                digest.update(chunk)
                out.write(chunk)
        if size and path.stat().st_size != size:
            raise http.client.IncompleteRead(b"", size - path.stat().st_size)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(url, error) from None
    return digest.hexdigest()


def _chunks(answer: IO[bytes], size: int) -> Iterator[bytes]:
    from tqdm import tqdm  # type: ignore[import-untyped]

    bar = tqdm(total=size or None, unit="B", unit_scale=True, disable=not sys.stderr.isatty())
    with bar:
        while chunk := answer.read(CHUNK):
            bar.update(len(chunk))
            yield chunk


def _say(line: str) -> None:
    if not sys.stderr.isatty():
        print(f"fetching {line}", file=sys.stderr, flush=True)


def _failed(url: str, error: Exception) -> AttuneError:
    # The client's messages run over several lines, the telling one in the middle.
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return AttuneError(
        f"{url} could not be fetched ({reason}); check the network and the key corpora, or set source to "
        "`sample` (offline) or to a directory that holds the files"
    )
