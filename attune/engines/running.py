"""The interface of both engines."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attune.engines.job import Job

if TYPE_CHECKING:
    import pyarrow as pa


def map_batches(engine: str, job: Job, batches: Iterable["pa.Table"]) -> Iterator["pa.Table"]:
    """The result of `job` for each batch, in the order of the batches.

    engine: `local`, one batch after another in this process, or `ray`, side by side on a cluster. A batch is worked
    on by itself and on `job.threads` threads in either, so on processors of one kind the results are the same bytes.

    Raises
    ------
    AttuneError
        if Ray's cluster cannot be reached.
    """
    if engine == "ray":
        from attune.engines import cluster

        return cluster.map_batches(job, batches)
    return map(job.work(job.folder), batches)
