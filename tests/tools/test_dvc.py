import getpass
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml.representer import RepresenterError

from tests.project import ROOT
from tests.tools.made_up import git
from tools.dvc import name_user, write_whole_files


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


LOCK = "schema: '2.0'\nstages:\n  a:\n    cmd: echo a\n"


@pytest.mark.fault("DVC ends while it writes dvc.lock", "the file is as it was")
def test_a_file_that_dvc_is_writing_when_it_ends_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dvc.utils.serialize import _common, _yaml

    for module in (_common, _yaml):
        monkeypatch.setattr(module, "_dump_data", module._dump_data)  # so that it is put back
    write_whole_files()
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK)
    with _yaml.modify_yaml(path) as values:
        values["stages"]["a"]["cmd"] = "echo b"
    assert path.read_text() == LOCK.replace("echo a", "echo b")
    with pytest.raises(RepresenterError), _yaml.modify_yaml(path) as values:  # after half of it
        values["stages"]["b"] = object()
    assert path.read_text() == LOCK.replace("echo a", "echo b")
    assert [each.name for each in tmp_path.iterdir()] == ["dvc.lock"]


@pytest.mark.fault("DVC ends while it writes its list of files in use", "the list is as it was")
def test_the_list_of_files_in_use_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc import rwlock
    from dvc.fs import localfs
    from dvc.utils.serialize import _common, _yaml

    for module, name in ((_common, "_dump_data"), (_yaml, "_dump_data"), (rwlock, "_edit_rwlock")):
        monkeypatch.setattr(module, name, getattr(module, name))  # so that it is put back
    write_whole_files()
    used = (str(tmp_path), localfs, "dvc repro", [], [str(tmp_path / "out")], False)
    with rwlock.rwlock(*used):
        assert str(tmp_path / "out") in json.loads((tmp_path / "rwlock").read_text())["write"]
    before = (tmp_path / "rwlock").read_bytes()
    monkeypatch.setattr(rwlock.json, "dump", interrupt)
    with pytest.raises(KeyboardInterrupt), rwlock.rwlock(*used):
        pass
    assert (tmp_path / "rwlock").read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"rwlock", "rwlock.lock"}


@pytest.mark.fault("a user number without a name, as in a container", "DVC gets the number for a name")
@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_is_called_by_the_number(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise error

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    name_user()
    assert getpass.getuser() == str(os.getuid())


@pytest.mark.fault("a user whose shell is none, or csh", "stages run by sh")
def test_dvc_runs_a_stage_and_records_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    words = [sys.executable, "-m", "tools.dvc"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin"}
    environment["SHELL"] = "/bin/false"
    (tmp_path / "dvc.yaml").write_text("stages:\n  a:\n    cmd: echo a > a.txt\n    outs: [a.txt]\n")
    for command in (["init", "--quiet"], ["repro", "--quiet"]):
        done = subprocess.run([*words, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "cmd: echo a > a.txt" in (tmp_path / "dvc.lock").read_text()
