"""Models of the hub, through its client and the client's cache."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from ssl import SSLError

from attune.base_models.checking import Use, check_folder
from attune.base_models.headers import PICKLED
from attune.base_models.selection import NOT_ROOT, ROOT, named
from attune.core.errors import AttuneError, one_line
from attune.core.waits import (
    ANSWER_WAIT,
    LATER,
    LongWait,
    bound_waits,
    client_errors,
    is_refused,
    patiently,
    waiting_helps,
)
from attune.sources.blobs import damage
from attune.sources.packages import MINILM, SMOLLM2


def download(model: str, use: Use | None) -> Path:
    """Download `id` or `id@revision` from the hub, or take it from the hub client's cache; checked.

    Raises
    ------
    AttuneError
        for a model that cannot be fetched, and as `check_folder`.
    """
    from huggingface_hub.errors import LocalEntryNotFoundError

    bound_waits()
    try:
        try:
            folder = patiently(f"the model {model!r}", lambda: _snapshot(model))
        except LongWait:
            with suppress(LocalEntryNotFoundError, AttuneError):
                folder = _snapshot(model, cached=True)  # as the client does itself after any other error of the hub
                check_folder(folder, use)
                return folder
            raise
    except client_errors() as error:
        if _of_disk(error):
            raise
        raise _failed(model, _step(model, error), error) from None
    try:
        check_folder(folder, use)
    except AttuneError as error:
        raise AttuneError(f"{error}{_known(model, folder)}") from None
    return folder


def check_id(model: str) -> None:
    """Ask the hub, without downloading anything, whether it has `id` or `id@revision`, unless that is in the cache.

    A hub that does not answer is left for `download`: there may be a cache by then, or a network.

    Raises
    ------
    AttuneError
        as `download` does, for an id or a revision that the hub does not have, and for an empty revision.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    bound_waits()
    name, revision = _parted(model)
    try:
        if not isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str):
            HfApi().model_info(name, revision=revision, timeout=ANSWER_WAIT)
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise _failed(model, _step(model, error), error) from None
    except client_errors():
        return


def _parted(model: str) -> tuple[str, str | None]:
    """The id and the revision, None where none is named."""
    name, at, revision = model.partition("@")
    if at and not revision:
        raise AttuneError(f"the model {model!r} has nothing after the @; name a revision there, or leave out the @")
    return name, revision or None


def _failed(model: str, step: str, reason: object) -> AttuneError:
    return AttuneError(
        f"the model {model!r} could not be fetched from the hub; {step}, or name a directory that holds it, {MINILM} "
        f"(encoders) or {SMOLLM2} (bases): {one_line(reason)}"
    )


def _of_disk(error: BaseException) -> bool:
    """Whether it is the disk's, not that of a certificate that the environment names, which may have a number too."""
    of_certificate = isinstance(error, SSLError) or (isinstance(error, FileNotFoundError) and error.filename is None)
    return isinstance(error, OSError) and error.errno is not None and not of_certificate


def _step(model: str, error: BaseException) -> str:
    """What to do about an error of the hub's client."""
    from huggingface_hub.errors import RevisionNotFoundError

    if step := waiting_helps(error):
        return step
    if isinstance(error, RevisionNotFoundError):
        name, revision = _parted(model)
        return f"name a revision that {name} has, for it has no {revision!r} (any more)"
    if is_refused(error):
        return "accept its terms on its page and run `hf auth login`, or correct the id"
    return "check the id and the network"


def _snapshot(model: str, cached: bool = False) -> Path:
    """The model's folder in the hub client's cache; cached: without asking the hub."""
    name, revision = _parted(model)
    folder = _sound(model, name, revision, cached, ROOT, NOT_ROOT)
    # By its commit, since a branch may move in between. A pattern that always matches spares the client's warning.
    return _sound(model, name, folder.name, cached, ["config.json", *named(folder)])


def _sound(
    model: str, name: str, revision: str | None, cached: bool, allowed: list[str], ignored: list[str] | None = None
) -> Path:
    """The folder with the files that the patterns allow, fetched once more where one is not what the hub names."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils import filter_repo_objects

    ask = partial(snapshot_download, name, allow_patterns=allowed, ignore_patterns=ignored, local_files_only=cached)
    for _ in range(2):
        try:
            folder = Path(ask(revision=revision))
        except LocalEntryNotFoundError as error:
            # Behind what is missing in the cache stands why it could not be asked for.
            raise error.__cause__ or error from None
        files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        wanted = filter_repo_objects(files, allow_patterns=allowed, ignore_patterns=ignored)
        damaged = [f"{file}: {reason}" for file in wanted if (reason := damage(folder / file))]
        if not damaged:
            return folder
    raise _failed(model, LATER, damaged[0])


def _known(model: str, folder: Path) -> str:
    """What else is known of a model in the cache that cannot be loaded: that it is pickled, or perhaps but a part."""
    from huggingface_hub import HfApi

    name = model.partition("@")[0]
    try:
        files = HfApi().list_repo_files(name, revision=folder.name)
    except client_errors():
        return (
            f". If a download of {model} was interrupted, the hub client's cache holds only a part of it: run this "
            "again with the network"
        )
    pickles = [file for file in files if file.endswith(PICKLED)]
    if not pickles or any(folder.rglob("*.safetensors")):
        return ""
    return (
        f". On the hub {model} has only pickled weights ({', '.join(pickles)}), which are never loaded; name a "
        f"revision with safetensors ({name}@REVISION), or convert it elsewhere and name the directory"
    )
