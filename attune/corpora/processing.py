"""Conversations into rows, batch by batch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune.corpora import record_of
from attune.engines.job import Work

if TYPE_CHECKING:
    import pyarrow as pa

# Bytes of conversations whose rows are in memory together: those of 1,000 ordinary ones. In rows a turn stands some
# 128 times at most, in the contexts of half the `attune.corpora.context.TURNS` that follow it.
AT_ONCE = 2**20


def in_parts(conversations: "pa.Table") -> "Iterator[pa.Table]":
    """The conversations in their order, in tables of AT_ONCE bytes at most or of one conversation."""
    if conversations.nbytes <= AT_ONCE or len(conversations) < 2:
        yield conversations
    else:
        half = len(conversations) // 2
        yield from in_parts(conversations.slice(0, half))
        yield from in_parts(conversations.slice(half))


def processing(corpus: str, drop_repeated_personas: bool) -> Work:
    """The job of an engine: a batch of conversations of `corpus` becomes one of its `schemas.rows`."""
    import pyarrow as pa

    record = record_of(corpus)
    schema = record.schemas.rows

    def work(batch: "pa.Table") -> "pa.Table":
        rows = [row for each in batch.to_pylist() for row in record.rows(each, drop_repeated_personas)]
        return pa.Table.from_pylist(rows, schema=schema)

    return work
