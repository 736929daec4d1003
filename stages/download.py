"""One raw corpus from `source` into data/raw: python -m stages.download CORPUS TARGET"""

from pathlib import Path

from attune import parameters
from attune.core.files import read_json
from attune.sources import fetch
from stages import start


def main(corpus: str, target: str) -> None:
    chosen = parameters.load()
    fetch(corpus, chosen.source, Path(target), chosen.corpora, chosen.seed)
    manifest = read_json(Path(target) / "manifest.json")
    rows = sum(file["rows"] for file in manifest["files"])
    print(
        f"{corpus}: {len(manifest['files'])} files, {rows} rows, {manifest['bad_rows']} bad rows left out, "
        f"from {chosen.source} into {target}"
    )


if __name__ == "__main__":
    start(main)
