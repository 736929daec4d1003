"""Batches worked on by the actors of a Ray cluster: the one at RAY_ADDRESS, or else one of this machine's cores."""

import logging
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from attune.core.determinism import prepare
from attune.core.errors import AttuneError
from attune.core.import_graph import ROOT
from attune.engines.job import Job

# Ray reads this when it is imported; without it, it reports its use over the network.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import ray.data

# The code travels to the cluster's machines. Ray would let actors without a GPU of their own see all of them.
_ENVIRONMENT = {
    "py_modules": [str(ROOT / "attune")],
    "env_vars": {"CUDA_VISIBLE_DEVICES": "", "RAY_USAGE_STATS_ENABLED": "0"},
}
Files = Mapping[str, bytes]


def map_batches(job: Job, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """As `attune.engines.running.map_batches`; every batch is a row of a Ray dataset, keyed by its position."""
    with _connected():
        blocks = [ray.put(pa.table({"key": [key], "batch": [_packed(batch)]})) for key, batch in enumerate(batches)]
        if not blocks:
            return
        files = ray.put(_files(job.folder))
        actors = min(len(blocks), max(1, int(ray.cluster_resources().get("CPU", 1) // job.threads)))
        results = ray.data.from_arrow_refs(blocks).map_batches(
            _Actor,
            fn_constructor_args=(job._replace(folder=None), files),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=job.threads,
            compute=ray.data.ActorPoolStrategy(size=actors),
        )
        del blocks  # the dataset holds them until they are done
        yield from _in_order(results.iter_batches(batch_size=1, batch_format="pyarrow"))


class _Actor:
    """One process of the cluster: it starts the job once, with its own copy of the files."""

    def __init__(self, job: Job, files: "ray.ObjectRef[Files]") -> None:
        prepare()
        contents = ray.get(files)
        self.copies = tempfile.TemporaryDirectory()
        folder = Path(self.copies.name)
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.work = job.work(folder if contents else None)

    def __call__(self, rows: pa.Table) -> pa.Table:
        results = [_packed(self.work(_unpacked(batch.as_buffer()))) for batch in rows["batch"]]
        return pa.table({"key": rows["key"], "batch": results})


def _in_order(results: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The batches by their keys 0, 1, 2 ...; Ray hands them out as they are done."""
    early: dict[int, pa.Table] = {}
    following = 0
    for rows in results:
        early |= {row["key"]: row["batch"] for row in rows.to_pylist()}
        while following in early:
            yield _unpacked(early.pop(following))
            following += 1


@contextmanager
def _connected() -> Iterator[None]:
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        host, colon, port = address.rpartition(":")
        if colon and "/" not in host:  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR", runtime_env=_ENVIRONMENT)
    except (OSError, ValueError, RuntimeError) as error:
        where = f"the Ray cluster at RAY_ADDRESS = {address}" if address else "a Ray cluster on this machine"
        raise AttuneError(f"{where} cannot be used: {error}; `engine: local` needs none") from error
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield
    finally:
        ray.shutdown()


def _files(folder: Path | None) -> dict[str, bytes]:
    """The files in and below `folder` by relative name."""
    if folder is None:
        return {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _packed(table: pa.Table) -> bytes:
    """Arrow's own stream format: no pickle, and Ray does not look into it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _unpacked(content: Any) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
