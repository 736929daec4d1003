"""Files in the hub client's cache, held to the sha256 that the hub names."""

import re
from pathlib import Path

from attune.core.files import sha256


def damage(path: Path) -> str:
    """What is wrong with a file in the cache that is not the one that the hub named; it is deleted then, to be fetched.

    The client compares sizes alone, and keeps what it has.
    """
    blob = path.resolve()
    # The hub's tag of a large file is its sha256, and the client calls the file by its tag.
    if not re.fullmatch("[0-9a-f]{64}", blob.name) or (found := sha256(blob)) == blob.name:
        return ""
    path.unlink()
    blob.unlink(missing_ok=True)
    return f"its sha256 is {found}, and the hub names {blob.name}"
