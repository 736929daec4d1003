"""Whether the sample has as many conversations as `subsets` asks for."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from attune.corpora.base import Corpus, Sampling
from attune.corpora.reading import BadRows
from attune.sources.sample import sample_of

# What each domain of the ranking corpus' sample has more of in a split, whatever the seed: nothing larger need be drawn
# to know that it fits.
SURE = {"train": 5000, "valid": 500, "test": 500}


def check(record: Corpus, sampling: Sampling) -> None:
    """Draw the subsets of the sample as the pipeline will, unless they are surely there; it takes some five seconds.

    Raises
    ------
    AttuneError
        for a split with fewer conversations than `sampling.sizes` asks for.
    """
    if all(map(_is_sure, sampling.sizes.values())):
        return
    assert record.subset is not None
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder)
        sample_of(record.name).write(raw, sampling.seed)
        record.subset(record, raw, sampling, BadRows("error"), raw / "scratch")


def _is_sure(size: Mapping[str, int | None]) -> bool:
    return all((size[split] or 0) <= count for split, count in SURE.items()) and (size["evaluate"] or 0) <= SURE["test"]
