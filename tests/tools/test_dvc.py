import getpass
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.representer import RepresenterError

from tests.project import ROOT
from tests.tools.made_up import git
from tools.dvc import LOCK_ENTRY, name_user, write_changed_entries, write_whole_files


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


@pytest.mark.parametrize(
    "form", ["as DVC writes it", "with a comment", "with datasets", "cut short", "of one stage", "absent"]
)
def test_a_changed_entry_gives_the_bytes_that_dvc_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    from dvc import dvcfile
    from dvc.utils.serialize import _yaml

    lock = "".join(LOCK_ENTRY.split((ROOT / "dvc.lock").read_text())[:3])
    texts = {
        "with a comment": lock.replace("stages:\n", "stages:\n  # mine\n", 1),
        "with datasets": lock + "datasets:\n- name: a\n",
        "cut short": lock.removesuffix("\n"),
        "of one stage": LOCK,
    }
    text = "" if form == "absent" else texts.get(form, lock)
    name = next(iter(YAML(typ="safe").load(text)["stages"])) if text else "none"
    changed = {"cmd": "echo 'a: b'", "deps": [{"path": "a", "md5": "0", "size": 1}], "params": {"p": {"lr": 5e-05}}}

    def written(modify: Callable[..., AbstractContextManager[dict[str, Any]]], folder: Path) -> bytes:
        folder.mkdir()
        path = folder / "dvc.lock"
        if text:
            path.write_text(text)
        for entries in ({"new@a-b": {"cmd": "a " * 60}}, {name: changed}, {"new@a-b": {"cmd": "a"}}):
            with modify(str(path)) as values:
                values.setdefault("schema", "2.0")
                values["stages"] = values.get("stages", {})
                values["stages"].update(entries)
        return path.read_bytes()

    own = dvcfile.modify_yaml
    monkeypatch.setattr(dvcfile, "modify_yaml", own)  # so that it is put back
    write_changed_entries()
    parsed = []
    parse = _yaml.parse_yaml_for_update
    monkeypatch.setattr(_yaml, "parse_yaml_for_update", lambda *given: parsed.append(given) or parse(*given))
    found = written(dvcfile.modify_yaml, tmp_path / "ours")
    assert len(parsed) == {"with a comment": 3, "cut short": 1}.get(form, 0)
    assert found == written(own, tmp_path / "theirs")


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
