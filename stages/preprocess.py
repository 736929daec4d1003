"""Make one row per reply: `python -m stages.preprocess corpus=NAME subset=FOLDER target=FOLDER`."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, stream_parquet, stream_tables, write_parquet, write_tables
from attune.corpora import record_of
from attune.corpora.base import Corpus
from attune.corpora.processing import in_parts, processing
from attune.engines.job import Job
from attune.engines.running import map_batches
from stages import start

if TYPE_CHECKING:
    import pyarrow as pa


def main(*, corpus: str, subset: Path, target: Path) -> None:
    settings, record = parameters.load(), record_of(corpus)
    drop_repeated = settings.preprocess.drop_repeated_personas
    job = Job(processing, {"corpus": corpus, "drop_repeated_personas": drop_repeated})
    candidates = sorted((subset / "candidates").glob("*.parquet"))
    read: list[Path] = []  # the file of each batch

    def batches() -> Iterator["pa.Table"]:
        for path in sorted(set(subset.rglob("*.parquet")) - set(candidates)):
            for table in stream_tables(path):
                _check_columns(record, table, path, subset)
                for part in in_parts(table):
                    read.append(path)
                    yield part

    with atomic_folder(target) as folder:
        for path in candidates:
            write_parquet(folder / path.relative_to(subset), stream_parquet(path), record.schemas.candidates)
        results = enumerate(map_batches(settings.engine, job, batches()))
        for path, group in groupby(results, key=lambda numbered: read[numbered[0]]):
            name = path.relative_to(subset)
            rows = write_tables(folder / name, (table for _, table in group), record.schemas.rows)
            print(f"{corpus} {name.with_suffix('')}: {rows} rows")


def _check_columns(record: Corpus, conversations: "pa.Table", path: Path, subset: Path) -> None:
    """Raise an AttuneError for conversations of another corpus, with the corpora that lie beside `subset`."""
    missing = [name for name in record.schemas.conversations.names if name not in conversations.column_names]
    if missing:
        beside = ", ".join(sorted(each.name for each in subset.absolute().parent.iterdir() if each.is_dir()))
        raise AttuneError(
            f"{path} is not of corpus={record.name}: it has no {', '.join(missing)}; name the corpus that {subset} was "
            f"made of, one of {beside}"
        )


if __name__ == "__main__":
    start(main)
