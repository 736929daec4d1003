"""manifest.json: what a corpus' folder holds and where it came from; no date, no host, no absolute path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.core.files import sha256


@dataclass(frozen=True)
class Origin:
    """Where a corpus came from; `place` stands in error messages alone, for it may be a local path."""

    source: str
    place: str
    licence: str | None = None
    url: str | None = None
    revision: str | None = None


def build(corpus: str, folder: Path, origin: Origin, rows: dict[str, int], bad_rows: int) -> dict[str, Any]:
    """`rows` names the corpus' files and their row counts."""
    return {
        "corpus": corpus,
        "source": origin.source,
        "licence": origin.licence,
        "url": origin.url,
        "revision": origin.revision,
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
    }
