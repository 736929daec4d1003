from pathlib import Path

import pytest

from tests.forked import python
from tests.project import changed
from tests.tools.made_up import environment


@pytest.mark.fault("studies of a domain that the main job does not train", "refused before their trainings")
def test_the_studies_are_refused_before_they_train(tmp_path: Path) -> None:
    changed(tmp_path, ("cobert.domains", ["happy"]))
    done = python("dvc", "-m", "tools.repro", "studies/dvc.yaml", cwd=tmp_path, env=environment())
    assert (done.returncode, done.stdout) == (1, "")
    message = "params.yaml: compare.domains names 'all', which is no entry of cobert.domains: happy"
    assert done.stderr == f"error: {message}\n"
