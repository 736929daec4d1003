"""A corpus' rows as another seed draws them."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Row, Rows, Sampling, Subset
from attune.corpora.copies import shared
from attune.corpora.reading import BadRows
from attune.corpora.subsets import opening_key, train_and_test


def redrawn(
    record: Corpus, raw: Path, sampling: Sampling, drop_repeated_personas: bool, files: Mapping[str, str]
) -> dict[str, Rows]:
    """The rows that the stages subset and preprocess would write with this sampling, as a whole in memory.

    files: the name of each set of rows that is wanted, by the name under which it is returned: {"train":
    "large/all/train"}. Malformed rows are left out; the stage subset has counted or refused them.
    """
    with _subset(record, raw, sampling) as subset:
        return {
            name: [row for each in subset.conversations[file] for row in record.rows(each, drop_repeated_personas)]
            for name, file in files.items()
        }


def redrawn_train(
    record: Corpus, raw: Path, sampling: Sampling, drop_repeated_personas: bool, files: Mapping[str, str], main: int
) -> Rows:
    """As `redrawn`, the train rows alone, without what the main job tests on, whose seed is `main`.

    A conversation with the opening or the text of one that is tested, or of the same `conversation`, is left out as
    well: the subsets keep the two together.
    files: the names of the train and of the test set, by "train" and "test".

    Raises
    ------
    AttuneError
        where no conversation is left.
    """
    with _subset(record, raw, sampling._replace(seed=main)) as subset:
        tested = {key for each in subset.conversations[files["test"]] for key in _keys(record, each)}
    with _subset(record, raw, sampling) as subset:
        drawn = subset.conversations[files["train"]]
        untested = (each for each in drawn if tested.isdisjoint(_keys(record, each)))
        rows = [row for each in untested for row in record.rows(each, drop_repeated_personas)]
    if not rows:
        raise AttuneError(
            f"corpora.{record.name}: all conversations that seed {sampling.seed} draws to train on are tested in the "
            "main job; use more data, or set seeds.varies to order"
        )
    return rows


def _keys(record: Corpus, conversation: Row) -> list[int]:
    return [opening_key(text) for text in shared(record, conversation) if text]


@contextmanager
def _subset(record: Corpus, raw: Path, sampling: Sampling) -> Iterator[Subset]:
    with tempfile.TemporaryDirectory() as scratch:
        yield (record.subset or train_and_test)(record, raw, sampling, BadRows("skip"), Path(scratch) / "spool")
