"""Models to start from: the installed MiniLM or SmolLM2, a model of the hub, or a directory; safetensors only."""

import shutil
from contextlib import suppress
from pathlib import Path
from ssl import SSLError

from attune.base_models.checking import Use, check_folder
from attune.core.errors import AttuneError, one_line
from attune.core.waits import LATER, LongWait, bound_waits, is_passing, patiently
from attune.sources.packages import MINILM, SMOLLM2, minilm_folder, smollm2_file

_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.jinja")  # no pickled weights; jinja holds chat templates
_OTHER_FORMATS = ("onnx/*", "openvino/*", "coreml/*")


def is_directory(model: str) -> bool:
    """Whether `model` is an existing directory or is written like a path; any other name is a hub id."""
    return model.startswith((".", "/")) or Path(model).is_dir()


def fetch(model: str, target: Path, use: Use | None = None) -> None:
    """Put the model `model` (MiniLM, SmolLM2, hub id or directory) into the folder `target`, after checking it.

    `use`: what it is for, as for `check_folder`.

    Raises
    ------
    AttuneError
        for a model that cannot be fetched, and as `check_folder` and `package_file`.
    """
    if model == SMOLLM2:
        from attune.base_models.conversion import convert

        convert(smollm2_file(), target)
    elif model == MINILM:
        _copy(minilm_folder(), target)
    elif is_directory(model):
        check_folder(Path(model), use)
        _copy(Path(model), target)
    else:
        _copy(_download(model, use), target)


def _download(model: str, use: Use | None) -> Path:
    """Download `id` or `id@revision` from the hub, or take it from the hub client's cache; checked."""
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError

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
    # Proxies that the client does not know are ValueErrors and ImportErrors, as are names that no repository has.
    except (LongWait, OSError, HTTPError, ValueError, ImportError) as error:
        if _of_disk(error):
            raise
        raise AttuneError(
            f"the model {model!r} could not be fetched from the hub; {_step(error)}, or name a directory that holds "
            f"it, {MINILM} (encoders) or {SMOLLM2} (bases): {one_line(error)}"
        ) from None
    try:
        check_folder(folder, use)
    except AttuneError as error:
        raise AttuneError(
            f"{error}. If a download of {model} was interrupted, the hub client's cache holds only a part of it: run "
            "this again with the network"
        ) from None
    return folder


def _of_disk(error: BaseException) -> bool:
    """Whether it is the disk's, not that of a certificate that the environment names, which may have a number too."""
    of_certificate = isinstance(error, SSLError) or (isinstance(error, FileNotFoundError) and error.filename is None)
    return isinstance(error, OSError) and error.errno is not None and not of_certificate


def _step(error: BaseException) -> str:
    """What to do about an error of the hub's client."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, LongWait) or is_passing(error):
        return LATER
    # The hub answers 401 for what does not exist, too.
    if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        return "accept its terms on its page and run `hf auth login`, or correct the id"
    return "check the id and the network"


def _snapshot(model: str, cached: bool = False) -> Path:
    """The model's folder in the hub client's cache; cached: without asking the hub."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    name, _, revision = model.partition("@")
    try:
        folder = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=list(_PATTERNS),
            ignore_patterns=list(_OTHER_FORMATS),
            local_files_only=cached,
        )
    except LocalEntryNotFoundError as error:
        # Behind what is missing in the cache stands why it could not be asked for.
        raise error.__cause__ or error from None
    return Path(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy file contents, since the hub's cache holds links; a directory's .cache is left out."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and any(name.match(pattern) for pattern in _PATTERNS) and name.parts[0] != ".cache":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
