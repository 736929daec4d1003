"""Fetch one raw corpus from `source`: `python -m stages.download corpus=NAME target=FOLDER`."""

from pathlib import Path

from attune import parameters
from attune.core.files import read_json
from attune.corpora import corpus as record_of
from attune.parameters.data import published
from attune.sources.fetching import fetch
from stages import start


def main(*, corpus: str, target: Path) -> None:
    settings, record = parameters.load(), record_of(corpus)
    entry = published(settings.corpora, corpus)
    fetch(record, settings.source, target, entry, settings.on_bad_row, settings.seed)
    manifest = read_json(target / "manifest.json")
    rows = sum(file["rows"] for file in manifest["files"])
    print(
        f"{corpus}: {len(manifest['files'])} files, {rows} rows, {manifest['bad_rows']} malformed rows left out, "
        f"from {settings.source} into {target}"
    )


if __name__ == "__main__":
    start(main)
