"""Fetching a raw corpus: from the sample, a directory or the hub, into a folder with a manifest."""

from pathlib import Path

from attune.core.errors import AttuneError
from attune.core.files import whole_folder, write_json
from attune.corpora import count_rows, layouts
from attune.corpora.reading import BadRows
from attune.parameters import Corpora
from attune.sources.manifest import Origin, build


def fetch(corpus: str, source: str, target: Path, parameters: Corpora, seed: int) -> None:
    """Fill `target` with the corpus' own files and manifest.json; every row is parsed first."""
    layouts(corpus)
    with whole_folder(target) as folder:
        origin = _fill(corpus, source, folder, parameters, seed)
        bad = BadRows(parameters.on_bad_row)
        try:
            rows = count_rows(corpus, folder, bad)
        except AttuneError as error:
            # The temporary folder is gone when the user reads this: name the file where it came from.
            raise AttuneError(str(error).replace(str(folder), origin.place)) from None
        write_json(folder / "manifest.json", build(corpus, folder, origin, rows, bad.count))


def _fill(corpus: str, source: str, folder: Path, parameters: Corpora, seed: int) -> Origin:
    if source == "sample":
        from attune.sources import sample

        sample.write(corpus, folder, seed)
        return Origin("sample", place=f"the sample's {corpus}", licence="GPL-3.0-only")
    if source == "hub":
        from attune.sources import hub

        return hub.download(corpus, folder, parameters)
    from attune.sources import directory

    return directory.copy(corpus, source, folder)
