"""Places where nothing can be written, and links into DVC's cache, which must not be written through."""

import re
import sys
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest

from attune.core.files import atomic_folder, write_json
from stages import check_parameters, recipes, start
from tests.faults.full_disk import read_only
from tests.project import changed
from tests.tools.made_up import dvc

# The stage whose output DVC leaves in its place, so that it is written over what links there.
PIPELINE = f"""
stages:
  check_parameters:
    cmd: {sys.executable} -m stages.check_parameters target=checked.txt
    deps: [note.txt]
    outs: [checked.txt: {{persist: true}}]
  recipes:
    cmd: {sys.executable} -m stages.recipes candidates=none target=recipes
    deps: [note.txt]
    outs: [recipes]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    changed(tmp_path, ("cobert.drawn_from", "in_batch"))  # needs no candidates
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(monkeypatch: pytest.MonkeyPatch, stage: Callable[..., None], *words: str) -> str:
    """The sentence in which a stage ends."""
    monkeypatch.setattr(sys, "argv", ["stage", *words])
    with pytest.raises(SystemExit) as raised:
        start(stage)
    assert "\n" not in str(raised.value.code)
    return str(raised.value.code)


@pytest.mark.fault("a read-only folder", "one sentence, and the folder stays as it was")
def test_a_read_only_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(project / "out/old.json", {})
    with read_only(project / "out"):
        assert re.match(
            r"error: \[Errno \d+\] .*'out/\.new\.",
            refused(monkeypatch, recipes.main, "candidates=none", "target=out/new"),
        )
        assert re.match(r"error: \[Errno \d+\] ", refused(monkeypatch, recipes.main, "candidates=none", "target=out"))
        assert [path.name for path in (project / "out").iterdir()] == ["old.json"]


@pytest.mark.fault("a file where a stage needs a folder: {}", "one sentence with the path, and the file stays")
@pytest.mark.parametrize("target", ["taken/recipes", "taken"])
def test_a_file_in_the_place_of_a_folder(project: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    Path("taken").write_text("mine")
    before = {path.name for path in project.iterdir()}
    message = refused(monkeypatch, recipes.main, "candidates=none", f"target={target}")
    assert message.startswith("error: [Errno ")
    assert "taken" in message
    assert {path.name for path in project.iterdir()} == before
    assert Path("taken").read_text() == "mine"


@pytest.mark.fault("a folder where a stage writes a file", "one sentence with the path, and the folder stays")
def test_a_folder_in_the_place_of_a_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("taken").mkdir()
    before = {path.name for path in project.iterdir()}
    message = refused(monkeypatch, check_parameters.main, "target=taken")
    assert message.startswith("error: [Errno ")
    assert "taken" in message
    assert {path.name for path in project.iterdir()} == before


def link(kind: str, cached: Path, path: Path) -> None:
    path.symlink_to(cached) if kind == "symlink" else path.hardlink_to(cached)


@pytest.mark.fault("a read-only {} into the cache in an output's place", "replaced; the cache stays as it was")
@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_a_link_is_replaced_and_never_written_through(tmp_path: Path, kind: str) -> None:
    cached = tmp_path / "cached"
    cached.write_text("old")
    cached.chmod(0o444)
    (tmp_path / "model").mkdir()
    for path in (tmp_path / "scores.json", tmp_path / "model/config.json"):
        link(kind, cached, path)
    write_json(tmp_path / "scores.json", {"mrr": 1})
    with atomic_folder(tmp_path / "model") as folder:
        write_json(folder / "config.json", {"layers": 2})
    assert (cached.read_text(), cached.stat().st_mode & 0o777) == ("old", 0o444)
    assert '"mrr": 1' in (tmp_path / "scores.json").read_text()
    assert '"layers": 2' in (tmp_path / "model/config.json").read_text()


@pytest.mark.slow
@pytest.mark.fault("DVC's cache.type {}, outputs read-only", "stages run again, and the cache stays whole")
@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_stages_run_again_over_linked_outputs(project: Path, kind: str) -> None:
    dvc(project, "init", "--no-scm", "--quiet")
    dvc(project, "config", "cache.type", kind)
    (project / "dvc.yaml").write_text(PIPELINE)
    locks = []
    for note in ("one", "two"):
        (project / "note.txt").write_text(note)
        dvc(project, "repro")
        locks.append((project / "dvc.lock").read_text())
    file = project / "recipes/baseline.json"
    assert file.is_symlink() if kind == "symlink" else file.stat().st_nlink > 1
    assert not file.stat().st_mode & 0o222
    assert [lock.count("md5: ") for lock in locks] == [4, 4]
    dvc(project, "checkout")
    assert "up to date" in dvc(project, "status")
    cached = [path for path in (project / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    assert len(cached) > 4
    for path in cached:
        assert md5(path.read_bytes()).hexdigest() == path.parent.name + path.stem
