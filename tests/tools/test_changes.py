import re
from pathlib import Path

import pytest

from tests.faults.full_disk import read_only
from tests.forked import python
from tests.project import changed
from tests.tools.made_up import environment, initialise, repro


@pytest.mark.fault("studies of a domain that the main job does not train", "refused before their trainings")
def test_the_studies_are_refused_before_they_train(tmp_path: Path) -> None:
    changed(tmp_path, ("cobert.domains", ["happy"]))
    done = python("dvc", "-m", "tools.repro", "studies/dvc.yaml", cwd=tmp_path, env=environment())
    assert (done.returncode, done.stdout) == (1, "")
    message = "params.yaml: compare.domains names 'all', which is no entry of cobert.domains: happy"
    assert done.stderr == f"error: {message}\n"


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.fault("a read-only .dvc/tmp", "told in a sentence, with what helps")
def test_a_read_only_folder_of_dvc_is_named(tmp_path: Path, jobs: int) -> None:
    initialise(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {one: {cmd: touch one, outs: [one]}}")
    (tmp_path / ".dvc/tmp").mkdir(exist_ok=True)
    with read_only(tmp_path / ".dvc/tmp"):
        done = repro(tmp_path, jobs)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: \.dvc/tmp/repro\.lock cannot be written \(.*\), .* to \.dvc/tmp, .*\n", done.stderr)
    assert not (tmp_path / "one").exists()
    assert repro(tmp_path, jobs).returncode == 0


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.fault("no folder .dvc", "told in a sentence, with what helps")
def test_a_missing_folder_of_dvc_is_named(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {one: {cmd: touch one, outs: [one]}}")
    done = repro(tmp_path, jobs)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: this folder has no \.dvc, .* `git checkout \.dvc` restores it\n", done.stderr)
