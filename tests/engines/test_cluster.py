"""Both engines write the same bytes; Ray's is a cluster of two nodes inside this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import sha256, write_parquet
from attune.corpora import record_of
from attune.engines.job import Job
from attune.engines.running import map_batches
from stages import base_models, index, preprocess
from tests.engines import jobs
from tests.project import ROOT, changed

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
STORE = 80 * 2**20


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of two nodes of one core each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=node)
    nodes.add_node(num_cpus=1, object_store_memory=STORE)
    yield nodes.address
    nodes.shutdown()


@pytest.fixture
def connected(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real sentence encoder and conversations of two splits, more than fit one batch."""
    folder = tmp_path_factory.mktemp("engines")
    changed(folder)
    topics = ("my dog died", "i passed the exam", "the train was late and later and later")
    rows = [
        {
            "conv_id": f"c{number}",
            "emotion": "sad",
            "situation": f"{topics[number % 3]} on day {number % 30}.",
            "speakers": [0, 1, 0, 1],
            "utterances": ["what a day", f"why {number} ?", "what a day", "i see"],
        }
        for number in range(1100)
    ]
    for split, part in (("train", rows), ("test", rows[:3]), ("empty", [])):
        write_parquet(folder / f"subset/{split}.parquet", part, record_of("empathetic_dialogues").schemas.conversations)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        base_models.main(name="embedder", target=Path("embedder"))
    return folder


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("connected")
def test_both_engines_write_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    written = {}
    for engine in ("local", "ray"):
        changed(project, ("engine", engine))
        processed, target = Path(engine, "processed"), Path(engine, "index")
        preprocess.main(corpus="empathetic_dialogues", subset=Path("subset"), target=processed)
        index.main(corpus="empathetic_dialogues", processed=processed, embedder=Path("embedder"), target=target)
        written[engine] = files(project / engine)
    assert written["ray"] == written["local"]
    assert sorted(written["ray"]) == [
        "index/embeddings.parquet", "index/index.faiss", "index/rows.parquet",
        "processed/empty.parquet", "processed/test.parquet", "processed/train.parquet",
    ]  # fmt: skip


@pytest.mark.usefixtures("connected")
def test_both_nodes_work_and_results_come_in_order() -> None:
    job = Job(jobs.slow_first, {"offset": 7})
    results = [table.to_pylist()[0] for table in map_batches("ray", job, jobs.batches(12))]
    assert [row["number"] for row in results] == [number + 7 for number in range(12)]
    assert len({row["node"] for row in results}) == 2


@pytest.mark.usefixtures("connected")
def test_an_error_in_a_job_ends_the_run() -> None:
    with pytest.raises(ray.exceptions.RayTaskError, match=r"no such thing as 0"):
        list(map_batches("ray", Job(jobs.failing, {}), jobs.batches(1)))


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(AttuneError, match=r"at RAY_ADDRESS = 127\.0\.0\.1:1 cannot be used: .*refused"):
        list(map_batches("ray", Job(jobs.slow_first, {"offset": 0}), jobs.batches(1)))


def test_local_runs_do_not_import_ray(project: Path) -> None:
    changed(project)
    code = "import sys; from stages import preprocess; from pathlib import Path; "
    code += "preprocess.main(corpus='empathetic_dialogues', subset=Path('subset'), target=Path('alone')); "
    code += "sys.exit('ray' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=True)
