import os
import re
from pathlib import Path

import pytest

from attune.report import provenance
from attune.report.provenance import code_version, data_sentence, environment
from tests.forked import python
from tests.project import ROOT
from tests.tools.made_up import git


def test_the_versions_are_those_installed() -> None:
    import torch

    versions = environment().set_index("Package")["Version"]
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_the_data_say_whose_text_they_are() -> None:
    manifests = [
        {"corpus": "openorca", "notice": "Written by this project.", "revision": None},
        {"corpus": "pec", "notice": None, "revision": "abc"},
    ]
    in_its_place = {"corpus": "pec", "notice": "Not PEC: chats of Ann's. They talk.", "revision": None}
    assert data_sentence("sample", [in_its_place]).endswith("PEC: chats of Ann's.")
    line = data_sentence("sample", manifests)
    assert re.match(r"Data: the embedded sample \(as of .+\), not the published corpora\.", line)
    assert line.endswith("OpenOrca: written by this project.")
    assert data_sentence("/my/copy", [manifests[1] | {"revision": None}]) == "Data: the directory /my/copy."
    assert data_sentence("hub", manifests[1:]) == "Data: the published corpora, from the hub (PEC at abc)."


def test_own_data_are_of_no_source_and_their_name_is_whole() -> None:
    own = {"corpus": "pec", "notice": "Own data, Dr. Smith. 2024.csv", "revision": "abc"}
    for source in ("sample", "hub", "/my/copy"):
        assert data_sentence(source, [own]) == "Data: PEC: own data, Dr. Smith. 2024.csv."
    other = {"corpus": "openorca", "notice": None, "revision": "def"}
    line = "Data: the published corpora, from the hub (OpenOrca at def). PEC: own data, Dr. Smith. 2024.csv."
    assert data_sentence("hub", [own, other]) == line


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, in the place of the project's own."""
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "attune/a.py", "params.yaml")
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commit(folder: Path, *names: str) -> str:
    """Write and commit these files; the first digits of the commit."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "x")
    return git(folder, "rev-parse", "HEAD")[:10]


def test_the_code_s_version_is_the_last_commit_that_may_change_a_result(project: Path) -> None:
    code = commit(project, "stages/b.py")
    assert re.fullmatch(rf"Code and parameters at commit {code} of \d{{4}}-\d\d-\d\d", code_version())
    for name in ("metrics/x.json", "dvc.lock", "README.md", "tests/c.py", "attune/chat/d.py", "attune/export/e.py"):
        assert commit(project, name) != code
        assert code_version().startswith(f"Code and parameters at commit {code} of"), name
    for name in ("attune/f.py", "studies/g.py", "dvc.yaml", "studies/dvc.yaml"):
        code = commit(project, name)
        assert code_version().startswith(f"Code and parameters at commit {code} of"), name


def test_code_that_is_not_committed_is_said_to_be_so(project: Path) -> None:
    (project / "README.md").write_text("new")
    assert "uncommitted" not in code_version()
    (project / "attune/a.py").write_text("new")
    assert code_version().endswith(", with uncommitted changes")


def test_parameters_beside_linked_code_are_judged_apart_from_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in quick/, whose params.yaml is smaller, and where attune/ is a link."""
    code = commit(project, "stages/b.py")
    quick = project / "quick"
    quick.mkdir()
    monkeypatch.chdir(quick)
    Path("params.yaml").write_text("smaller")
    line = code_version()
    assert line.startswith(f"Code at commit {code} of ")
    assert line.endswith("; parameters other than the repository's, shown below")
    assert "uncommitted" not in line
    (project / "params.yaml").write_text("new")
    assert code_version() == line
    (project / "attune/a.py").write_text("new")
    assert ", with uncommitted changes; parameters other than" in code_version()
    Path("params.yaml").write_text("new")
    assert code_version().startswith("Code and parameters at commit ")


def test_linked_code_is_known_by_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "attune").symlink_to(ROOT / "attune")
    found = "from attune.report import provenance; print(provenance._ROOT)"
    done = python("data", "-c", found, cwd=tmp_path)
    assert Path(done.stdout.strip()) == ROOT


def test_code_outside_a_repository_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    assert code_version() == "Code and parameters outside a git repository"


@pytest.mark.usefixtures("project")
def test_a_repository_that_git_refuses_is_not_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of another user."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # where a user may have allowed it
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert code_version() == "Code and parameters in a git repository that git could not read"


def test_a_clone_without_its_history_does_not_name_its_oldest_commit(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In which all files seem to have changed; one that changed later is known."""
    commit(project, "docs/a.md")
    shallow = tmp_path / "shallow"
    git(project, "clone", "--quiet", "--depth", "1", project.as_uri(), str(shallow))
    monkeypatch.setattr(provenance, "_ROOT", shallow)
    assert code_version() == "Code and parameters in a clone without its history"
    assert "(as of unknown date)" in data_sentence("sample", [])
    assert f"at commit {commit(shallow, 'attune/b.py')}" in code_version()
