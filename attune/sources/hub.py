"""The hub: datasets at pinned revisions through its client, archives by their address and hash."""

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from attune.core.errors import AttuneError, one_line, without_secrets
from attune.core.files import sha256
from attune.core.waits import ANSWER_WAIT, LATER, LongWait, bound_waits, client_errors, patiently, waiting_helps
from attune.corpora.base import Corpus
from attune.parameters.data import Archive, HubDataset
from attune.sources import transfer
from attune.sources.archive import unpack_zip
from attune.sources.blobs import damage
from attune.sources.directory import copy_files, second_part
from attune.sources.manifest import Origin

# Far above the archives of text that corpora are published as: a few hundred MB in about ten files.
ARCHIVE_LIMITS = {"limit_bytes": 4 << 30, "limit_files": 100}
_OWN_FILES = "name your own copy of the files as `path`"


def download(corpus: Corpus, folder: Path, published: Archive | HubDataset) -> Origin:
    """Download the raw files of `corpus` into `folder`. Its licence is recorded for its own place alone.

    Raises
    ------
    AttuneError
        for what cannot be fetched, with address, reason and next step, for a file of which there are further parts, and
        for an archive with another hash or unsafe members.
    """
    if isinstance(published, Archive):
        return _archive(corpus, folder, published)
    return _dataset(corpus, folder, published)


def dataset_address(repo: str) -> str:
    """Where the hub, or what HF_ENDPOINT names in its place, has a dataset; without a password."""
    from huggingface_hub import constants

    return without_secrets(f"{constants.ENDPOINT}/datasets/{repo}")


def check(corpus: Corpus, pinned: HubDataset) -> None:
    """Ask the hub, without downloading anything, for the dataset's revision and files, unless they are in the cache.

    A hub that does not answer is left for `download`: there may be a cache by then, or a network.

    Raises
    ------
    AttuneError
        for a dataset, a revision or a file that the hub does not have or does not let this user have, with address,
        reason and next step, and for further parts of a file.
    """
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub import errors as hub_errors

    bound_waits()
    name, revision = next(iter(corpus.layouts[-1].values())), pinned.revision
    refusals = hub_errors.RepositoryNotFoundError, hub_errors.RevisionNotFoundError, hub_errors.RemoteEntryNotFoundError
    try:
        if isinstance(try_to_load_from_cache(pinned.repo, name, revision=revision, repo_type="dataset"), str):
            return
        found = HfApi().dataset_info(pinned.repo, revision=revision, timeout=ANSWER_WAIT)
        names = {each.rfilename for each in found.siblings or ()}
        name = next((each for each in corpus.layouts[-1].values() if each not in names), name)
        # Everybody may list a gated dataset, and no file of it is there for those who have no access.
        if found.gated or name not in names:
            asked = hf_hub_url(pinned.repo, name, repo_type="dataset", revision=revision)
            get_hf_file_metadata(asked, timeout=ANSWER_WAIT)
        _check_whole(corpus, pinned, names)
    except (*refusals, hub_errors.HFValidationError) as error:
        url = dataset_address(pinned.repo)
        step = _step(f"corpora.{corpus.name}", url, pinned.repo, name, revision, error, "repo")
        raise transfer.failed(url, error, step) from None
    except client_errors():
        return


def _dataset(corpus: Corpus, folder: Path, pinned: HubDataset) -> Origin:
    """Through the hub client's cache rather than its `local_dir`, which would leave the client's files in `folder`."""
    bound_waits()
    url = dataset_address(pinned.repo)
    revision = pinned.revision
    for name in corpus.layouts[-1].values():
        _log(f"{corpus.name}: {name} at {revision}")
        # All files are requested by the first one's commit, since a branch may move in between.
        cached, revision = cached_file(f"corpora.{corpus.name}", url, pinned.repo, name, revision)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cached, folder / name)
    if any(map(second_part, corpus.layouts[-1].values())):
        _check_whole(corpus, pinned, _listed(url, pinned.repo, revision))
    public = f"https://huggingface.co/datasets/{pinned.repo}"
    licence = corpus.licence if pinned.repo == corpus.place else None
    return Origin("hub", url, licence, public, revision)


def _listed(url: str, repo: str, commit: str) -> set[str]:
    """The names of a dataset's files; where no hub answers, of those in its client's cache, and a line says so."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        found = patiently(url, lambda: HfApi().dataset_info(repo, revision=commit, timeout=ANSWER_WAIT))
        return {each.rfilename for each in found.siblings or ()}
    except client_errors() as error:
        seen = "further parts of its files are seen only if they are in the cache"
        print(f"{url}: not listed ({one_line(error)}); {seen}", file=sys.stderr, flush=True)
    cache = Path(snapshot_download(repo, repo_type="dataset", revision=commit, local_files_only=True))
    return {path.relative_to(cache).as_posix() for path in cache.rglob("*")}


def _check_whole(corpus: Corpus, pinned: HubDataset, names: set[str]) -> None:
    """Raise an AttuneError for a second part among the `names` of a dataset's files."""
    if parts := names & set(map(second_part, corpus.layouts[-1].values())):
        raise AttuneError(
            f"{dataset_address(pinned.repo)} (revision {pinned.revision}) has {min(parts)}, a second part of a split, "
            f"and only 0000.parquet is read; set corpora.{corpus.name}.revision to one with whole splits, or join all "
            "parts in that file in a directory, and set source to it"
        )


def cached_file(key: str, url: str, repo: str, name: str, revision: str, named_by: str = "repo") -> tuple[Path, str]:
    """One file in the hub client's cache, and its commit. The client itself honours HF_ENDPOINT and HF_HUB_OFFLINE.

    key: the parameter that describes the dataset, by its name in `named_by`. url: the dataset's address.

    Raises
    ------
    AttuneError
        for what cannot be fetched, with address, reason and next step.
    """
    from huggingface_hub.errors import LocalEntryNotFoundError

    address = f"{url}/resolve/{revision}/{name}"
    failed = partial(transfer.failed, address, other=transfer.ELSEWHERE if named_by == "repo" else _OWN_FILES)
    try:
        return patiently(address, lambda: _sound(failed, repo, name, revision))
    except LongWait as error:
        raise failed(error, LATER) from None
    except client_errors() as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's
        # Behind a file that is missing in the cache stands why it could not be asked for.
        reason = (error.__cause__ or error) if isinstance(error, LocalEntryNotFoundError) else error
        step = waiting_helps(reason) or _step(key, url, repo, name, revision, error, named_by)
        raise failed(reason, step) from None


def _step(key: str, url: str, repo: str, name: str, revision: str, error: Exception, named_by: str) -> str:
    """What to do about an answer that another try would not change; empty where nothing more is known."""
    from huggingface_hub.errors import (
        GatedRepoError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RevisionNotFoundError):
        return f"set {key}.revision to one that {repo} has, for it has no {revision!r} (any more)"
    if isinstance(error, RemoteEntryNotFoundError):
        return f"set {key}.revision to one at which {repo} has {name}, for it has none at {revision!r}"
    if isinstance(error, GatedRepoError):
        return f"ask for access at {url}, then run `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return f"correct {key}.{named_by}, or where {repo} is not public run `hf auth login`"
    return ""


def _sound(failed: Callable[..., AttuneError], repo: str, name: str, revision: str) -> tuple[Path, str]:
    """The file and its commit; once more from the start if it is not the one whose sha256 the hub names."""
    for _ in range(2):
        path, commit = _asked_for(repo, name, revision)
        if not (damaged := damage(path)):
            return path, commit
    raise failed(damaged, LATER)


def _asked_for(repo: str, name: str, revision: str) -> tuple[Path, str]:
    from huggingface_hub import hf_hub_download

    # Asked for by its name first, so that the client notes the commit and can do without the network later.
    hf_hub_download(repo, name, repo_type="dataset", revision=revision)
    commit = hf_hub_download(repo, name, repo_type="dataset", revision=revision, dry_run=True).commit_hash
    return Path(hf_hub_download(repo, name, repo_type="dataset", revision=commit)), commit


def _archive(corpus: Corpus, folder: Path, pinned: Archive) -> Origin:
    archive, unpacked, key = folder / f"{corpus.name}.zip", folder / "unpacked", f"corpora.{corpus.name}"
    told = without_secrets(pinned.url)
    _log(f"{corpus.name}: {told}")
    if not pinned.url.startswith(("http://", "https://")):
        raise AttuneError(f"{key}.url = {told!r} must begin with https:// or http://")
    transfer.download(pinned.url, archive)
    digest = sha256(archive)
    if pinned.sha256 not in (None, digest):
        raise AttuneError(
            f"{told} has sha256 {digest}; {key}.sha256 expects {pinned.sha256}; fetch it again, and only if you "
            "know why the file is another one write its hash there"
        )
    try:
        unpack_zip(archive, unpacked, **ARCHIVE_LIMITS)
        copy_files(corpus, unpacked, folder)
    except AttuneError as error:
        reason = str(error).replace(str(unpacked), archive.name)
        raise AttuneError(f"{told}: {reason}; fetch it again, or set {key}.url to a sound archive") from None
    archive.unlink()
    shutil.rmtree(unpacked)
    licence = corpus.licence if told == corpus.place else None
    return Origin("hub", told, licence, told, f"sha256:{digest}")


def _log(line: str) -> None:
    if not sys.stderr.isatty():
        print(f"fetching {line}", file=sys.stderr, flush=True)
