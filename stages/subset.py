"""Cut a corpus to the size of the experiment: `python -m stages.subset corpus=NAME raw=FOLDER target=FOLDER`."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, read_json, stream_parquet, write_json, write_parquet
from attune.corpora import copies, emotion_folds, raw_corpus
from attune.corpora.base import Corpus
from attune.corpora.reading import BadRows
from attune.corpora.sampling import sampling_of
from attune.corpora.subsets import FETCH_AGAIN, train_and_test
from attune.parameters.data import OwnRows, published
from stages import start


def main(*, corpus: str, raw: Path, target: Path) -> None:
    settings = parameters.load()
    entry = published(settings.corpora, corpus)
    record = raw_corpus(corpus, isinstance(entry, OwnRows))
    sampling = sampling_of(settings, entry.cap)
    with atomic_folder(target) as folder, _told_to_fetch_again(raw):
        scratch = folder / "scratch"
        subset = (record.subset or train_and_test)(record, raw, sampling, BadRows(settings.on_bad_row), scratch)
        for name, rows in subset.candidates.items():
            write_parquet(folder / "candidates" / f"{name}.parquet", rows, record.schemas.candidates)
        sizes = {
            name: write_parquet(folder / f"{name}.parquet", rows, record.schemas.conversations)
            for name, rows in subset.conversations.items()
        }
        if record.has_emotions:  # the probe comes after the trainings, which would be in vain
            train = stream_parquet(folder / "train.parquet")
            emotion_folds.check(corpus, [(row["emotion"], row["situation"]) for row in train])
        counts, recalled = dict(subset.counts), ""
        if isinstance(entry, OwnRows):  # whose malformed rows the stage download has left out
            counts["bad_rows"] = read_json(raw / "manifest.json")["bad_rows"]
            recalled = _recalled(folder, record, entry)
        write_json(folder / "counts.json", counts)
        if scratch.is_dir():
            shutil.rmtree(scratch)
    repeated = subset.counts.get("repeated")
    left_out = f"; {repeated} repeated row(s) are left out" if repeated else ""
    print(f"{corpus}: {', '.join(f'{name} {size}' for name, size in sizes.items()) or 'no conversations'}{left_out}")
    for line in filter(None, [_without_persona(subset.counts), recalled]):
        print(f"{corpus}: {line}")


def _without_persona(counts: Mapping[str, int]) -> str:
    """How many responses are by somebody without a persona, where there are any."""
    count = sum(number for name, number in counts.items() if name.endswith("_without_persona"))
    return f"{count} response(s) are by people without a persona" if count else ""


@contextmanager
def _told_to_fetch_again(raw: Path) -> Iterator[None]:
    """Errors about data that may change, unlike the sample, also say how a change in their files gets into `raw`."""
    try:
        yield
    except AttuneError as error:
        if read_json(raw / "manifest.json")["source"] == "sample":
            raise
        raise AttuneError(f"{error}; {FETCH_AGAIN}") from None


def _recalled(folder: Path, record: Corpus, entry: OwnRows) -> str:
    """How many test replies train has, and what to do where those are parts of one conversation."""
    train = folder / record.train_rows
    if record.in_own_folder:
        return ""
    count, replies = copies.recalled(stream_parquet(train), stream_parquet(train.with_name("test.parquet")))
    if not count:
        return ""
    part = "if rows are parts of longer conversations, name the column that says of which one: columns.conversation"
    advice = "" if "conversation" in (entry.columns or ()) else f"; {part}"
    return f"{count} of {replies} test replies stand word for word in train{advice}"


if __name__ == "__main__":
    start(main)
