"""Conversations into rows, batch by batch."""

from typing import TYPE_CHECKING

from attune.corpora import corpus as record_of
from attune.engines.job import Work

if TYPE_CHECKING:
    import pyarrow as pa


def processing(corpus: str, drop_repeated_personas: bool) -> Work:
    """The job of an engine: a batch of conversations of `corpus` becomes one of its `schemas.rows`."""
    import pyarrow as pa

    record = record_of(corpus)
    schema = record.schemas.rows

    def work(batch: "pa.Table") -> "pa.Table":
        rows = [row for each in batch.to_pylist() for row in record.rows(each, drop_repeated_personas)]
        return pa.Table.from_pylist(rows, schema=schema)

    return work
