"""docs/sweeps.md at a small size: a queue of experiments, and a remote from which a fresh clone gets its results."""

import time
from pathlib import Path

import pytest

from tests.stages.dvc_project import dvc, small
from tests.tools.made_up import git

TRAINED = "train_cobert@baseline-small-happy"
RUNS = "Running stage"


def finished(project: Path) -> bool:
    status = dvc(project, "queue", "status")
    assert "Failed" not in status, status
    return "Queued" not in status and "Running" not in status


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_queue_trains_and_a_fresh_clone_of_its_project_does_not(tmp_path: Path) -> None:
    project = small(tmp_path)
    dvc(project, "remote", "add", "--default", "store", str(tmp_path / "store"))
    assert f"{RUNS} '{TRAINED}'" in dvc(project, "repro", TRAINED)
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "trained")

    dvc(project, "exp", "run", "--queue", "-S", "lr=5e-5,8e-5", TRAINED)
    dvc(project, "queue", "start", "-j", "2")
    while not finished(project):
        time.sleep(2)
    assert dvc(project, "queue", "status").count("Success") == 2
    assert not list((project / ".checkpoints").glob("*/"))  # the project's, deleted at each end; locks stay
    assert len(list((project / ".checkpoints").glob("*.lock"))) == 3

    dvc(project, "push", "--run-cache")
    git(tmp_path, "clone", "--quiet", str(project), "pulled")
    dvc(tmp_path / "pulled", "pull", "--run-cache", TRAINED)
    git(tmp_path, "clone", "--quiet", str(project), "reproduced")
    assert RUNS not in dvc(tmp_path / "reproduced", "repro", "--pull", TRAINED)
    for clone in (tmp_path / "pulled", tmp_path / "reproduced"):
        weights = "models/cobert/baseline-small-happy/model.safetensors"
        assert (clone / weights).read_bytes() == (project / weights).read_bytes()
        assert git(clone, "status", "--short") == ""
