"""The hub: datasets at pinned revisions through its client, archives by their address and hash."""

import hashlib
import http.client
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus
from attune.parameters.data import Archive, HubDataset
from attune.sources.archive import unpack_zip
from attune.sources.directory import copy_files
from attune.sources.manifest import Origin

CHUNK = 1 << 20
TIMEOUT_SECONDS = 60
# Far above the archives of text that corpora are published as: a few hundred MB in about ten files.
ARCHIVE_LIMITS = {"limit_bytes": 4 << 30, "limit_files": 100}


def download(corpus: Corpus, folder: Path, published: Archive | HubDataset) -> Origin:
    """Download the raw files of `corpus` into `folder`.

    Raises
    ------
    AttuneError
        for what cannot be fetched, with address and reason, and for an archive with another hash or unsafe members.
    """
    if isinstance(published, Archive):
        return _archive(corpus, folder, published)
    return _dataset(corpus, folder, published)


def _dataset(corpus: Corpus, folder: Path, pinned: HubDataset) -> Origin:
    """Through the hub client's cache rather than its `local_dir`, which would leave the client's files in `folder`."""
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/datasets/{pinned.repo}"
    revision = pinned.revision
    for name in corpus.layouts[-1].values():
        _log(f"{corpus.name}: {name} at {revision}")
        # All files are requested by the first one's commit, since a branch may move in between.
        cached, revision = _cached(url, pinned.repo, name, revision)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cached, folder / name)
    public = f"https://huggingface.co/datasets/{pinned.repo}"
    return Origin("hub", url, corpus.licence, public, revision)


def _cached(url: str, repo: str, name: str, revision: str) -> tuple[Path, str]:
    """One file in the hub client's cache, and its commit. The client itself honours HF_ENDPOINT and HF_HUB_OFFLINE."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, HTTPError

    try:
        # Asked for by its name first, so that the client notes the commit and can do without the network later.
        hf_hub_download(repo, name, repo_type="dataset", revision=revision)
        commit = hf_hub_download(repo, name, repo_type="dataset", revision=revision, dry_run=True).commit_hash
        return Path(hf_hub_download(repo, name, repo_type="dataset", revision=commit)), commit
    except (OSError, HTTPError, EntryNotFoundError, HFValidationError) as error:
        raise _failed(f"{url}/resolve/{revision}/{name}", error) from None


def _archive(corpus: Corpus, folder: Path, pinned: Archive) -> Origin:
    archive, unpacked = folder / f"{corpus.name}.zip", folder / "unpacked"
    _log(f"{corpus.name}: {pinned.url}")
    if not pinned.url.startswith(("http://", "https://")):
        raise AttuneError(f"corpora.{corpus.name}.url = {pinned.url!r} must begin with https:// or http://")
    digest = _download(pinned.url, archive)
    if pinned.sha256 not in (None, digest):
        raise AttuneError(f"{pinned.url} has sha256 {digest}; corpora.{corpus.name}.sha256 expects {pinned.sha256}")
    unpack_zip(archive, unpacked, **ARCHIVE_LIMITS)
    copy_files(corpus, unpacked, folder)
    archive.unlink()
    shutil.rmtree(unpacked)
    return Origin("hub", pinned.url, corpus.licence, pinned.url, f"sha256:{digest}")


def _download(url: str, path: Path) -> str:
    """Stream `url` into `path` and return its sha256."""
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


def _log(line: str) -> None:
    if not sys.stderr.isatty():
        print(f"fetching {line}", file=sys.stderr, flush=True)


def _failed(url: str, error: Exception) -> AttuneError:
    # The client's messages run over several lines, and the informative one is in the middle.
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return AttuneError(
        f"{url} could not be fetched ({reason}); check the network and the key corpora, or set source to "
        "`sample` (offline) or to a directory that holds the files"
    )
