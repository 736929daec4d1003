"""The small project of `make quick`: valid, small, and apart from the workspace."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

from attune.core.errors import AttuneError
from attune.parameters import load, parse
from tests.forked import python
from tests.project import ROOT
from tests.tools.made_up import dvc, initialise
from tools.changes import ANOTHER
from tools.quick import FOLDER, cache_of, changed, main, prepare, shrink, told


@pytest.fixture
def values() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())


def run(folder: Path, *words: str) -> str:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = python("dvc", "-m", *words, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_numbers_are_lowered_and_never_raised(values: dict[str, Any]) -> None:
    values["cobert"] |= {"subsets": ["large", "small"], "domains": ["all", "happy"]}
    values["generation"]["max_new_tokens"] = 3
    values["corpora"]["openorca"]["cap"] = None
    del values["generators"]["full"]["accumulation"]
    before = list(values["generators"])
    shrink(values)
    assert values["generation"]["max_new_tokens"] == 3
    assert values["corpora"]["openorca"]["cap"] == values["corpora"]["empathetic_dialogues"]["cap"] == 60
    assert "cap" not in values["corpora"]["pec"]
    assert "steps" not in values["generators"]["prompted"]
    assert {entry.get("steps", 2) for entry in values["generators"].values()} == {2}
    assert "accumulation" not in values["generators"]["full"]
    assert list(values["generators"]) == before
    assert (values["cobert"]["subsets"], values["cobert"]["domains"]) == (["small"], ["all"])


def test_what_must_agree_still_does_at_the_small_size(values: dict[str, Any]) -> None:
    values["rag"]["k"], values["launcher"] = 6, {"processes": 4, "fsdp": True}
    shrink(values)
    settings = parse(values, Path("params.yaml"))
    assert (settings.rag.k, settings.rag.shortlist) == (6, 6)
    assert settings.launcher.model_dump() == {"processes": 1, "fsdp": False}


def test_a_folder_of_one_s_own_is_found_from_quick_too(values: dict[str, Any]) -> None:
    values["source"], values["bases"]["smollm2"]["model"] = "tests/corpora", "gpt2"
    shrink(values)
    assert (values["source"], values["bases"]["smollm2"]["model"]) == (str(ROOT / "tests/corpora"), "gpt2")


def test_a_folder_that_is_called_as_what_is_installed_is_does_not_take_its_place(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (values["source"], values["encoder"], values["bases"]["smollm2"]["model"], "mine"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tools.quick.ROOT", tmp_path)
    values["index"]["embedder"] = "mine"
    shrink(values)
    assert (values["source"], values["encoder"]) == ("sample", "all-MiniLM-L6-v2")
    assert values["bases"]["smollm2"]["model"] == "SmolLM2-135M-Instruct"
    assert values["index"]["embedder"] == str(tmp_path / "mine")


@pytest.mark.slow
def test_the_project_is_valid_and_runs_its_stages_from_the_workspace_s_code(tmp_path: Path) -> None:
    folder = tmp_path / "quick"
    cache = {"dir": str(tmp_path / "cache of mine"), "type": ["hardlink", "copy"]}
    prepare(folder, cache)
    prepare(folder, cache)  # a second `make quick`
    assert cache_of(folder).items() >= cache.items()
    assert load(folder / "params.yaml").generators.keys() == load(ROOT / "params.yaml").generators.keys()
    names = run(folder, "dvc", "stage", "list", "--name-only").split()
    assert {name.split("@")[0] for name in names} == set(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
    assert sum(name.startswith("train_cobert@") for name in names) == len(load(ROOT / "params.yaml").cobert.recipes)
    run(folder, "tools.repro", "--jobs=1", "preprocess@openorca")
    assert (folder / "data/processed/openorca/train.parquet").is_file()
    assert any((tmp_path / "cache of mine").iterdir())
    text = (folder / "dvc.lock").read_text()
    assert re.findall(r"(?m)^  (\S+):$", text) == [
        "check_parameters",
        "download@openorca",
        "origins",
        *(f"{name}@openorca" for name in ("preprocess", "subset")),
    ]


def test_the_cache_is_the_workspace_s_also_where_that_is_elsewhere(tmp_path: Path) -> None:
    initialise(tmp_path)
    assert cache_of(tmp_path)["dir"] == str(tmp_path / ".dvc" / "cache")
    dvc(tmp_path, "cache", "dir", "--local", str(tmp_path / "large disk"))
    assert cache_of(tmp_path)["dir"] == str(tmp_path / "large disk")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_everything_runs_and_the_workspace_stays_as_it_was() -> None:
    cache = Path(cache_of(ROOT)["dir"])

    def state() -> tuple[str, dict[Path, int], set[Path]]:
        files = [path for path in (ROOT / ".dvc").rglob("*") if path.is_file()]
        touched = {path: path.stat().st_mtime_ns for path in files if cache not in path.parents}
        status = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout
        return status, touched, {path for path in files if cache in path.parents}

    status, touched, cached = state()
    printed = run(ROOT, "tools.quick").splitlines()
    assert printed[-3:] == [
        f"report: {FOLDER}/plots/report.html",
        f"figures: {FOLDER}/plots/figures",
        "page with these models: make app ROOT=quick",
    ]
    assert (FOLDER / "plots/report.html").is_file()
    assert (FOLDER / "plots/figures/mrr_comparison.png").is_file()
    assert state()[:2] == (status, touched)
    assert state()[2] >= cached
    assert "Every stage is up to date." in run(ROOT, "tools.quick", "--jobs=2")


def test_ones_own_data_is_cut_too_and_named_from_the_root(values: dict[str, Any]) -> None:
    values["corpora"]["mine"] = {"path": "README.md"}
    values["corpora"]["epitome"] = {"path": "docs"}
    shrink(values)
    assert values["corpora"]["mine"] == {"path": str(ROOT / "README.md"), "cap": 60}
    assert values["corpora"]["epitome"] == {"path": str(ROOT / "docs")}


def test_what_is_ranked_is_cut_by_subsets_alone(values: dict[str, Any]) -> None:
    values["corpora"]["pec"] = {"path": "README.md"}
    values["corpora"]["mine"] = {"datasets": "me/mine"}
    shrink(values)
    assert values["corpora"]["pec"] == {"path": str(ROOT / "README.md")}
    assert values["corpora"]["mine"] == {"datasets": "me/mine", "cap": 60}


def test_parameters_are_changed_as_dvc_changes_them_and_the_file_stays(tmp_path: Path) -> None:
    before = (ROOT / "params.yaml").read_bytes()
    changes = ["~corpora.pec", "+corpora.pec={path: a b.csv, columns: {turns: t}}", "cobert.domains=[all]", "lr=5e-5"]
    folder = tmp_path / "quick"
    prepare(folder, {"dir": str(tmp_path / "cache")}, changes)
    settings = load(folder / "params.yaml")
    assert settings.corpora["pec"].model_dump() == {"path": "a b.csv", "columns": {"turns": "t"}, "cap": None}
    assert (settings.cobert.domains, settings.lr) == (["all"], 5e-5)
    assert (ROOT / "params.yaml").read_bytes() == before
    with pytest.raises(AttuneError, match="-S lrr=1: "):
        changed(ROOT / "params.yaml", ["lrr=1"])
    with pytest.raises(AttuneError, match=f"^{re.escape(str(ROOT / 'params.yaml'))}: lr = -1"):  # not quick's
        prepare(folder, {"dir": str(tmp_path / "cache")}, ["lr=-1"])


def test_a_run_says_which_changes_hold() -> None:
    assert "params.yaml, with seed=14, lr=5e-5; made small; none of an earlier" in told(["seed=14", "lr=5e-5"])
    assert "params.yaml, made small; none of an earlier" in told([])


def test_a_change_that_cannot_be_made_is_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["quick", "-S", "lr=1e-4", "-S", "lrr=1"])
    monkeypatch.setattr("tools.repro.run", lambda *_: pytest.fail("the stages run"))
    monkeypatch.setattr("tools.quick.FOLDER", tmp_path / "quick")
    monkeypatch.setattr("tools.quick.LOCK", tmp_path / "tmp/lock")
    with pytest.raises(SystemExit, match=r"^error: -S lr=1e-4 -S lrr=1: "):
        main()


@pytest.mark.fault("a second small run at the same time", "told of the first, whose parameters stay")
def test_a_second_small_run_leaves_the_first_ones_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["quick", "-S", "seed=14"])
    monkeypatch.setattr("tools.repro.run", lambda *_: pytest.fail("the stages run"))
    monkeypatch.setattr("tools.quick.FOLDER", tmp_path / "quick")
    monkeypatch.setattr("tools.quick.LOCK", tmp_path / "tmp/lock")
    (tmp_path / "tmp").mkdir()
    with FileLock(tmp_path / "tmp/lock"), pytest.raises(SystemExit, match=f"^error: {ANOTHER}$"):
        main()
    assert not (tmp_path / "quick").exists()


def test_a_copy_outside_git_is_told_what_dvc_lacks(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("")
    with pytest.raises(AttuneError, match="is no git repository, which DVC needs; `git init` makes it one"):
        cache_of(tmp_path)
