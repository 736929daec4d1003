"""What every stage answers to a user's mistakes, and where it works when DVC queues it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attune.core.damage import DamagedFile
from stages import checkpoint_roots, missing_input, said_of
from tests.project import ROOT
from tests.stages.running import run
from tests.tools.made_up import git


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the pipeline's files and no outputs."""
    (tmp_path / "studies").mkdir()
    for name in ("params.yaml", "dvc.yaml", "studies/dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("data/recipes", "recipes"),
        ("data/recipes/tuned.json", "recipes"),
        ("data/processed/pec/small/happy/train.parquet", "preprocess"),
        ("models/base/encoder", "base_encoders@encoder"),
        ("data/index/pec/rows.parquet", "index@pec"),
        ("models/base/smollm2", "base_models"),
        ("models/cobert", "train_cobert"),
        ("metrics/generators.json", "compare_generators"),
        ("metrics/compare.json", "studies/dvc.yaml:compare"),
    ],
)
def test_a_missing_input_names_the_stage_that_writes_it(pipeline: Path, path: str, stage: str) -> None:
    assert missing_input("stages.x", Path(path)) == f"{path} is missing; `dvc repro {stage}` writes it"
    (pipeline / path).mkdir(parents=True)
    assert missing_input("stages.x", Path(path)) is None


def test_a_missing_input_is_told_with_what_lies_beside_it(pipeline: Path) -> None:
    for name in ("tuned.json", "attune.json", "notes.txt", ".tuned.json.1.part"):
        (pipeline / "data/recipes").mkdir(parents=True, exist_ok=True)
        (pipeline / "data/recipes" / name).touch()
    told = missing_input("stages.x", Path("data/recipes/tunde.json"))
    assert told is not None
    assert "is missing (data/recipes has attune.json, tuned.json); `dvc repro recipes`" in told
    for number in range(30):
        (pipeline / f"models/cobert/m{number:02}").mkdir(parents=True)
    told = missing_input("stages.x", Path("models/cobert/wrong-large-all"))
    assert told is not None
    assert "m19 and 10 more); " in told
    told = missing_input("stages.x", Path("metrics"))
    assert told is not None
    assert told.startswith("metrics is missing; ")


@pytest.mark.usefixtures("pipeline")
def test_its_own_outputs_and_files_of_no_stage_are_not_missed() -> None:
    assert missing_input("stages.recipes", Path("data/recipes")) is None
    assert missing_input("stages.recipes", Path("elsewhere")) is None


@pytest.mark.fault("a stage without its input", "the stage that writes it is named")
def test_a_stage_without_its_input_says_so_before_it_imports_torch(pipeline: Path) -> None:
    words = ("recipe=data/recipes/tuned.json", "encoder=models/base/encoder", "data=x", "target=y", "curve=z")
    done = run(pipeline, "stages.train_cobert", *words)
    assert done.returncode == 1
    assert done.stderr == "error: data/recipes/tuned.json is missing; `dvc repro recipes` writes it\n"


@pytest.mark.parametrize("content", ['[{"base": "gpt2"}]', "{}", '[{"base'])
@pytest.mark.fault("an intermediate file of another shape", "the stage that writes it is named")
def test_an_input_of_another_shape_is_one_error_with_its_stage(pipeline: Path, content: str) -> None:
    path = pipeline / "data/evaluation/base_tests.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    (pipeline / "models/base").mkdir(parents=True)
    words = ("tests=data/evaluation/base_tests.json", "base_models=models/base", "data=data", "target=x.parquet")
    done = run(pipeline, "stages.score_bases", *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/evaluation/base_tests.json ")
    assert done.stderr.endswith("brings it back, `dvc repro base_tests` writes it again\n")


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("plots/answers.csv", "answer_questions"),
        ("data/evaluation/emotion_probe.json", "compare_generators"),
        ("metrics/curves/generators/full.csv", "train_generator"),
        ("metrics/compare.json", "studies/dvc.yaml:compare"),
    ],
)
def test_a_damaged_input_names_the_stage_that_writes_it(path: str, stage: str) -> None:
    told = said_of(DamagedFile(Path(path), "is torn"), "stages.report")
    assert told is not None
    assert told.endswith(f"brings it back, `dvc repro {stage}` writes it again")


@pytest.mark.usefixtures("pipeline")
def test_a_damaged_file_of_no_stage_is_one_sentence_too() -> None:
    error = DamagedFile(Path("elsewhere.csv"), "is torn")
    assert said_of(error, "stages.report") == str(error)


def test_a_file_of_no_stage_is_one_sentence_too(pipeline: Path) -> None:
    words = ("recipe=nowhere.json", "encoder=x", "data=x", "target=y", "curve=z")
    done = run(pipeline, "stages.train_cobert", *words)
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 2] No such file or directory: 'nowhere.json'\n"


def test_a_failed_experiment_says_how_to_go_back(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "warm")
    words = ("stages.recipes", "target=")
    files = "params.yaml dvc.lock studies/dvc.lock metrics plots"
    advice = f"`git read-tree HEAD`, `git checkout HEAD -- {files}`, then `dvc checkout dvc.yaml`"
    loss = "(this also undoes your own uncommitted changes of params.yaml; commit them first)"
    assert f"{advice} {loss}" in run(pipeline, *words).stderr
    queued = pipeline / ".dvc/tmp/exps/tmp1"
    queued.mkdir(parents=True)
    assert "git checkout" not in run(queued, *words).stderr


def test_the_way_back_restores_what_an_experiment_staged(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = [pipeline / name for name in ("params.yaml", "dvc.lock", "studies/dvc.lock", "metrics/a", "plots/a")]
    for path in written:
        path.parent.mkdir(exist_ok=True)
        path.write_text("committed")
    git(pipeline, "init", "--quiet")
    git(pipeline, "add", ".")
    git(pipeline, "commit", "--quiet", "--message", "run")
    for path in written:
        path.write_text("changed")
    git(pipeline, "add", "params.yaml", "dvc.lock", "studies/dvc.lock")
    monkeypatch.setenv("DVC_EXP_NAME", "warm")
    (back,) = re.findall("`git (checkout .*?)`", run(pipeline, "stages.recipes", "target=").stderr)
    git(pipeline, *back.split())
    assert [path.read_text() for path in written] == ["committed"] * 5
    assert git(pipeline, "status", "--porcelain") == ""


def test_queued_experiments_share_the_project_s_checkpoints(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoint_roots() == [pipeline / ".checkpoints"]
    queued = pipeline / ".dvc/tmp/exps/tmp1"
    queued.mkdir(parents=True)
    monkeypatch.chdir(queued)
    assert checkpoint_roots() == [pipeline / ".checkpoints", queued / ".checkpoints"]


@pytest.mark.parametrize("words", [["app.py"], ["-m", "attune.chat"], ["-m", "stages.recipes"]])
@pytest.mark.fault("a Python without the project's packages", "how to install them is said")
def test_without_the_environment_its_name_is_said(words: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", *words]  # -S: without the installed packages
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "`make setup`, then `source .venv/bin/activate`" in done.stderr
    assert "Traceback" not in done.stderr
