"""Fetch one raw corpus from `source`: `python -m stages.download corpus=NAME target=FOLDER`."""

from collections import Counter
from pathlib import Path

from attune import parameters
from attune.core.files import read_json
from attune.corpora import raw_corpus
from attune.parameters.data import OwnRows, published
from attune.sources.fetching import fetch
from stages import start


def main(*, corpus: str, target: Path) -> None:
    settings = parameters.load()
    entry = published(settings.corpora, corpus)
    own = isinstance(entry, OwnRows)
    record = raw_corpus(corpus, own)
    fetch(record, settings.source, target, entry, settings.on_bad_row, settings.seed)
    manifest = read_json(target / "manifest.json")
    rows = sum(file["rows"] for file in manifest["files"])
    print(
        f"{corpus}: {len(manifest['files'])} files, {rows} rows, {manifest['bad_rows']} malformed rows left out, "
        f"from {'your own data' if own else settings.source} into {target}"
    )
    if others := Counter(manifest["turns_left_out"]):
        told = ", ".join(f"{name} {count}" for name, count in others.most_common())
        print(f"{corpus}: {others.total()} turns left out ({told})")


if __name__ == "__main__":
    start(main)
