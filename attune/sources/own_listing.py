"""Which files one's own choice of a dataset of the hub has at a revision, with the network and without it."""

import re
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from attune.core.errors import AttuneError, one_line
from attune.core.files import read_json, write_json
from attune.core.waits import client_errors, is_refused, patiently, waiting_helps
from attune.parameters.data import OwnDataset
from attune.sources.hub import dataset_address

_COMMIT = re.compile("[0-9a-f]{40}")


def listed(entry: OwnDataset) -> tuple[str, list[str]]:
    """The revision's commit and the names of its files.

    The answer is kept beside the files. A commit's is asked for once; a branch's again each time, but without the
    network, or where the hub stays overloaded, the last answer holds, or else what is in the hub client's cache.

    Raises
    ------
    AttuneError
        for a dataset or revision that there is not, and for what can be neither asked for nor found.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    kept = _kept(entry)
    if _COMMIT.fullmatch(entry.revision) and kept.is_file():
        return _read_kept(kept)
    try:
        found = patiently(told(entry), lambda: HfApi().dataset_info(entry.datasets, revision=entry.revision))
    except client_errors() as error:
        later = waiting_helps(error)
        unanswered = later or not isinstance(error, HfHubHTTPError)
        if unanswered and (last := _read_kept(kept) if kept.is_file() else _cached(entry)):
            return last
        step = later or _step(entry, error)
        raise AttuneError(f"{told(entry)} cannot be listed ({one_line(error)}); {step}") from None
    answer = str(found.sha), [each.rfilename for each in found.siblings or ()]
    with suppress(OSError):  # a cache that several people share may be read-only
        write_json(kept, answer)
    return answer


def _step(entry: OwnDataset, error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return f"ask for access at {dataset_address(entry.datasets)}, then run `hf auth login`"
    if is_refused(error):
        return "correct `datasets`, or where it is not public run `hf auth login`"
    return "check `datasets`, `revision` and the network"


def _kept(entry: OwnDataset) -> Path:
    """Where the answer of `listed` is kept: in the hub client's cache, apart from its own files."""
    from huggingface_hub import constants

    asked = f"{constants.ENDPOINT} {entry.datasets} {entry.revision}"
    return Path(constants.HF_HUB_CACHE) / "attune" / f"{sha256(asked.encode()).hexdigest()}.json"


def _read_kept(path: Path) -> tuple[str, list[str]]:
    commit, names = read_json(path)
    return commit, names


def _cached(entry: OwnDataset) -> tuple[str, list[str]] | None:
    """What `hf download` has put into the hub client's cache; None for nothing, or for less than it knows of."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        where = snapshot_download(entry.datasets, repo_type="dataset", revision=entry.revision, local_files_only=True)
    except (LocalEntryNotFoundError, ValueError):  # the latter for names that no repository has
        return None
    folder = Path(where)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    print(f"{told(entry)}: not listed by the hub; its {len(names)} files in {folder} are taken", file=sys.stderr)
    return folder.name, names


def told(entry: OwnDataset) -> str:
    """What a message calls the dataset."""
    config = f", config {entry.config}" if entry.config else ""
    return f"the hub's dataset {entry.datasets} (revision {entry.revision}{config})"
