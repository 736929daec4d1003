"""Jobs for engines, as a module that a cluster's processes can import."""

import time
from collections.abc import Iterator

import pyarrow as pa

from attune.engines.job import Work


def batches(count: int) -> Iterator[pa.Table]:
    """`count` batches of one number each."""
    for number in range(count):
        yield pa.table({"number": [number]})


def slow_first(offset: int) -> Work:
    """Adds `offset` and says on which node; batch 0 is done last."""
    import ray

    node = ray.get_runtime_context().get_node_id()

    def work(batch: pa.Table) -> pa.Table:
        (number,) = batch["number"].to_pylist()
        time.sleep(0.2 if number else 2)
        return pa.table({"number": [number + offset], "node": [node]})

    return work


def failing() -> Work:
    def work(batch: pa.Table) -> pa.Table:
        raise ValueError(f"no such thing as {batch['number'][0]}")

    return work
