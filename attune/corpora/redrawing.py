"""A corpus' rows as another seed draws them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from attune.corpora.base import Corpus, Rows, Sampling
from attune.corpora.reading import BadRows
from attune.corpora.subsets import train_and_test


def redrawn(
    record: Corpus, raw: Path, sampling: Sampling, drop_repeated_personas: bool, files: Mapping[str, str]
) -> dict[str, Rows]:
    """The rows that the stages subset and preprocess would write with this sampling, as a whole in memory.

    files: the name of each set of rows that is wanted, by the name under which it is returned: {"train":
    "large/all/train"}. Malformed rows are left out; the stage subset has counted or refused them.
    """
    with tempfile.TemporaryDirectory() as scratch:
        subset = (record.subset or train_and_test)(record, raw, sampling, BadRows("skip"), Path(scratch) / "spool")
        return {
            name: [row for each in subset.conversations[file] for row in record.rows(each, drop_repeated_personas)]
            for name, file in files.items()
        }
