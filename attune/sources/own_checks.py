"""What is known of one's own data before anything starts: that every row can be read, and that there are enough."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.corpora import emotion_folds, empathy_labels
from attune.corpora.base import Corpus, Row, Sampling
from attune.corpora.own import opening, said
from attune.corpora.reading import BadRows
from attune.corpora.sizing import TooFew
from attune.corpora.subsets import check_candidates, drawn_splits
from attune.parameters.data import OwnRows
from attune.sources import directory, own_data, own_sizes

if TYPE_CHECKING:
    import numpy as np


def check(record: Corpus, entry: OwnRows, sampling: Sampling, bad: BadRows) -> None:
    """Read all of it, and draw its train and test split. record: of `attune.corpora.raw_corpus`.

    Raises
    ------
    AttuneError
        for columns that the corpus does not have, as `own_data.conversations` and `drawn_splits`, and for a train split
        on which the emotion probe cannot be trained, where emotions are needed; for the first row where all are
        malformed, even if they are left out; for files of one's own as `directory.own_folder` and `Corpus.count_rows`,
        and for labels on which no empathy probe can be trained.
    """
    if record.in_own_folder:
        _check_labels(record, entry, bad)
        return
    place = record.own
    assert place is not None
    for name in (each for each in entry.columns or () if each not in own_data.EVERYWHERE | set(place.columns)):
        raise AttuneError(f"corpora.{record.name}.columns names {name}, which has no meaning there; leave it out")
    paths = own_data.files_of(record, entry).paths

    def rows(bad: BadRows) -> Iterator[Row]:
        return own_data.conversations(paths, entry.columns, bad, place)

    splits = _drawn(record, rows, sampling, bad)
    if record.has_emotions:
        train = set(splits["train"].tolist())
        again = enumerate(rows(BadRows("skip")))  # they are counted already
        emotion_folds.check(
            record.name, [(each["emotion"], opening(each)) for number, each in again if number in train]
        )


def _drawn(
    record: Corpus, rows: Callable[[BadRows], Iterator[Row]], sampling: Sampling, bad: BadRows
) -> dict[str, "np.ndarray"]:
    """The splits of `drawn_splits`, or an AttuneError with the first row if all are malformed."""
    read = 0

    def named() -> Iterator[tuple[str, tuple[str, str, str]]]:
        nonlocal read
        for each in rows(bad):
            read += 1
            yield each["id"], (opening(each), said(each), each.get("conversation", ""))

    try:
        splits, _ = drawn_splits(record, named(), sampling, bad)
    except AttuneError:
        malformed = BadRows("skip")
        # Only where no row was read, since a look for a sound one may read a file twice.
        if not read and next(rows(malformed), None) is None and malformed.first:
            reason = f"corpora.{record.name} has no row that can be used; the first: {malformed.first}"
            raise AttuneError(reason) from None
        raise
    return splits


def _check_labels(record: Corpus, entry: OwnRows, bad: BadRows) -> None:
    folder = directory.own_folder(record, entry)
    record.count_rows(folder, bad)
    for path in record.files(folder).values():
        labelled = record.read(path, BadRows("skip"))  # they are counted already
        if reason := empathy_labels.why_untrainable([(each["level"], each["sp_id"]) for each in labelled]):
            raise AttuneError(f"{path}: {reason}")


def check_ranked(
    record: Corpus,
    entry: OwnRows,
    sampling: Sampling,
    domains: Sequence[str],
    learnt: Mapping[str, str],
    candidates: int,
    bad: BadRows,
) -> None:
    """Draw the subsets as the pipeline will.

    domains: those that are ranked, each once. learnt: those that generators learn from, each with the key in
    params.yaml that names it. candidates: how many replies each right one is ranked among.

    Raises
    ------
    AttuneError
        for fewer conversations than `sampling.sizes` asks for, with all values that would do; for a domain that there
        is not, and for too few replies.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder)
        own_data.write(record, entry, raw, bad)
        assert record.subset is not None
        try:
            subset = record.subset(record, raw, sampling, BadRows("skip"), raw / "scratch")
        except TooFew:  # of one size alone; corrected, the next would be refused
            reason = own_sizes.that_fit(record, raw, sampling, domains, learnt, candidates, raw / "whole")
            raise AttuneError(reason) from None
        for domain, place in {**dict.fromkeys(domains, ""), **learnt}.items():
            if domain not in subset.candidates:
                raise AttuneError(
                    f"{place and f'{place}: '}corpora.{record.name} has no domain {domain!r} but "
                    f"{', '.join(subset.candidates)}; a domain is what the column `domain` holds, with as many "
                    "conversations as `subsets` asks for"
                )
        for domain in domains:
            replies = (row["response"] for row in subset.candidates[domain])
            check_candidates(record.name, domain, replies, candidates, "raise preprocess.test_share, or use more data")
