"""Fetching a raw corpus from the sample, a directory or the hub into a folder with a manifest."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, write_json
from attune.corpora.base import Corpus
from attune.corpora.copies import check_repeated
from attune.corpora.reading import BadRows
from attune.parameters.data import AnyEntry, OwnRows
from attune.sources.manifest import Origin, build


def fetch(
    corpus: Corpus,
    source: str,
    target: Path,
    published: AnyEntry,
    on_bad_row: Literal["error", "skip"],
    seed: int,
) -> None:
    """Fill `target` with the corpus' raw files and manifest.json; every row is parsed first.

    source: `sample`, `hub` or a directory. published: where the hub's copy is, or one's own data. seed: of the
    sample.

    Raises
    ------
    AttuneError
        for a source that lacks the corpus or cannot be reached, for a malformed row under the policy `error`, and as
        `check_repeated`; `target` is then as it was.
    """
    with atomic_folder(target) as folder:
        bad = BadRows(on_bad_row)
        origin = _fill(corpus, source, folder, published, seed, bad)
        try:
            rows = corpus.count_rows(folder, bad)
            check_repeated(corpus, folder)
        except AttuneError as error:
            # The temporary folder no longer exists when the message is read: name the file at its origin.
            raise AttuneError(str(error).replace(str(folder), origin.location)) from None
        origin = replace(origin, turns_left_out=bad.turns_left_out)
        write_json(folder / "manifest.json", build(corpus.name, folder, origin, rows, bad.count))


def _fill(corpus: Corpus, source: str, folder: Path, published: AnyEntry, seed: int, bad: BadRows) -> Origin:
    if isinstance(published, OwnRows) and corpus.in_own_folder:
        from attune.sources import directory

        return directory.copy_own(corpus, published, folder)
    if isinstance(published, OwnRows):
        from attune.sources import own_data

        return own_data.write(corpus, published, folder, bad)
    if source == "sample":
        from attune.sources.sample import sample_of

        sample = sample_of(corpus.name)
        sample.write(folder, seed)
        location = f"the sample's {corpus.name}"
        return Origin("sample", location, licence=sample.licence, url=sample.url, notice=sample.notice)
    if source == "hub":
        from attune.sources import hub

        return hub.download(corpus, folder, published)
    from attune.sources import directory

    return directory.copy(corpus, source, folder)
