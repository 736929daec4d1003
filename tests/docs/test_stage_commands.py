"""Every stage as a command that a person types: without words, and without the files that other stages write."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.project import ROOT
from tests.stages.running import run_without_large

MODULES = [
    f"{folder}.{path.stem}"
    for folder in ("stages", "studies")
    for path in sorted((ROOT / folder).glob("*.py"))
    if path.stem != "__init__"
]
# They start from params.yaml and from installed packages alone.
FIRST = {f"stages.{name}" for name in ("base_models", "base_tests", "check_parameters", "download", "recipes")}


@cache
def stages() -> dict[str, str]:
    """The command of each stage of both files, as DVC resolves it."""
    from dvc.repo import Repo

    return {stage.addressing: stage.cmd for stage in Repo(ROOT).index.stages}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which no stage has run."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "studies").mkdir()
    for name in ("params.yaml", "dvc.yaml", "studies/dvc.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_without_words_a_stage_says_its_usage(module: str, empty: Path) -> None:
    done = run_without_large(empty, module)
    assert done.returncode == 1
    first, usage = done.stderr.splitlines()
    assert re.fullmatch(r"error: [\w, ]+ must be given", first)
    assert re.fullmatch(rf"usage: python -m {module}( \[?\w+=(PATH|NAME)\]?)+", usage)


@pytest.mark.parametrize("module", sorted(set(MODULES) - FIRST))
def test_without_its_input_a_stage_names_the_stage_that_writes_it(module: str, empty: Path) -> None:
    command = next(command.split() for command in stages().values() if command.split()[2] == module)
    done = run_without_large(empty, *command[2:])
    assert done.returncode == 1
    match = re.fullmatch(r"error: (\S+) is missing; `dvc repro (\S+)` writes it\n", done.stderr)
    assert match, done.stderr
    assert any(match[1] in word for word in command[3:])
    assert match[2] in {part for name in stages() for part in (name, name.split("@")[0])}
