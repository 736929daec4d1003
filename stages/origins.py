"""Write out where each corpus is fetched from, so that other parameters, as `cap`, fetch none again.

`python -m stages.origins target=FOLDER`
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.files import atomic_folder, write_json
from attune.parameters import Parameters
from attune.parameters.data import OwnRows
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load()
    with atomic_folder(target) as folder:
        for name in settings.corpora:
            write_json(folder / f"{name}.json", origin(settings, name))


def origin(settings: Parameters, name: str) -> dict[str, Any]:
    """The parameters that decide the raw files of a corpus."""
    entry = settings.corpora[name]
    named = entry.model_dump(exclude={"cap"})
    if isinstance(entry, OwnRows):
        return named
    if settings.source == "sample":
        return {"source": settings.source, "seed": settings.seed}
    return {"source": settings.source} | (named if settings.source == "hub" else {})


if __name__ == "__main__":
    start(main)
