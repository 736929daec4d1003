"""Files of a model, opened as far as it takes to see whether they are what their names say."""

import hashlib
import json
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError

# Parts of a file that its fingerprint reads, and the bytes of each.
_SAMPLES, _SAMPLE = 64, 4096
_POINTER = b"version https://git-lfs"
_AGAIN = "fetch it again"
# How pickles and the archives that hold them begin.
_BEGINNINGS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
# How files of pickled weights end.
PICKLED = (".bin", ".pt", ".pth")


def check_content(path: Path) -> None:
    """Refuse an empty file, a Git LFS pointer in a file's place, and a link to a file that is not there."""
    if not path.is_file():
        raise AttuneError(f"{path} is {'a folder' if path.is_dir() else 'a link to what is missing'}; {_AGAIN}")
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if not start:
        raise AttuneError(f"{path} is empty; {_AGAIN}")
    if start == _POINTER:
        raise AttuneError(f"{path} is a Git LFS pointer in the file's place; run `git lfs pull` where it comes from")


def read_checked(path: Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    AttuneError
        as `check_content`, and for what is not JSON.
    """
    check_content(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path} is not complete JSON ({error}); {_AGAIN}") from None


def read_object(path: Path) -> dict[str, Any]:
    """The content of a JSON file that holds an object; raises as `read_checked`, and for anything else."""
    content = read_checked(path)
    if not isinstance(content, dict):
        raise AttuneError(f"{path} holds no JSON object; {_AGAIN}")
    return content


def tensor_shapes(path: Path) -> dict[str, list[int]]:
    """The tensors of a safetensors file and their shapes, from its header.

    Raises
    ------
    AttuneError
        as `check_content`, for another format, and for a file that is shorter or longer than its header says.
    """
    check_content(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if size < 8 or length > size - 8:
            if start.startswith(_BEGINNINGS):  # as the lengths of some sound headers do, too
                raise AttuneError(
                    f"{path} is a pickled file under a safetensors name; convert the model to safetensors"
                )
            raise AttuneError(f"{path} is no complete safetensors file: it ends within its header; {_AGAIN}")
        header = file.read(length)
    try:
        tensors = {name: each for name, each in json.loads(header).items() if name != "__metadata__"}
        end = 8 + length + max((each["data_offsets"][1] for each in tensors.values()), default=0)
        shapes = {name: [int(side) for side in each["shape"]] for name, each in tensors.items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise AttuneError(f"{path} is no safetensors file: it has no header of tensors; {_AGAIN}") from None
    if end != size:
        raise AttuneError(f"{path} has {size:,} bytes, but its header describes {end:,}; {_AGAIN}")
    if not shapes:
        raise AttuneError(f"{path} holds no tensor; {_AGAIN}")
    return shapes


def pickled(folder: Path) -> str:
    """That a folder has pickled weights alone, and their names; empty where it has none."""
    names = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLED)
    return f"only pickled weights ({', '.join(names)})" if names else ""


def fingerprint(folder: Path) -> str:
    """What tells the weights in a model's folder from others: a sha256 over each file's size, header and samples.

    Reading all of a large model would take as long as loading it; training changes every sample of a weight that it
    changes at all.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size} {sorted(tensor_shapes(path).items())}\n".encode())
        with path.open("rb") as file:
            for place in range(_SAMPLES):
                file.seek(size * place // _SAMPLES)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
