"""manifest.json: what a corpus' folder holds and where it came from, without date, host or absolute path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attune.core.files import sha256


@dataclass(frozen=True)
class Origin:
    """Where a corpus came from; `location` is for error messages only, since it may be a local path.

    notice: whose text it is, in a sentence, where the corpus' name does not say so. turns_left_out: turns that
    nothing is made of, by whose or where they are.
    """

    source: str
    location: str
    licence: str | None = None
    url: str | None = None
    revision: str | None = None
    notice: str | None = None
    turns_left_out: Mapping[str, int] = field(default_factory=dict)


def build(corpus: str, folder: Path, origin: Origin, rows: dict[str, int], bad_rows: int) -> dict[str, Any]:
    """The manifest of `folder`; rows: raw file -> row count."""
    return {
        "corpus": corpus,
        "source": origin.source,
        "licence": origin.licence,
        "url": origin.url,
        "revision": origin.revision,
        "notice": origin.notice,
        "files": [
            {
                "path": name,
                "bytes": (folder / name).stat().st_size,
                "sha256": sha256(folder / name),
                "rows": rows[name],
            }
            for name in sorted(rows)
        ],
        "bad_rows": bad_rows,
        "turns_left_out": dict(origin.turns_left_out),
    }
