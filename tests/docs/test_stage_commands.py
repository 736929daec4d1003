"""Every stage as a command that a person types: without words, and without the files that other stages write."""

import ast
import json
import os
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.forked import python
from tests.project import ROOT
from tests.stages.running import LARGE, run_without_large

MODULES = [
    f"{folder}.{path.stem}"
    for folder in ("stages", "studies")
    for path in sorted((ROOT / folder).glob("*.py"))
    if path.stem != "__init__"
]
# They start from params.yaml and from installed packages alone.
# Runs commands, each a list of words, one after the other, where importing any of LARGE is an error; prints what each
# has written to its standard error and output.
ONE_BY_ONE = f"""
import io, json, runpy, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
sys.modules |= dict.fromkeys({LARGE})
found = []
for words in json.load(sys.stdin):
    sys.argv = words
    sys.modules.pop(words[0], None)
    with redirect_stderr(io.StringIO()) as written, redirect_stdout(written):
        try:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            print(end.code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
    found.append(written.getvalue())
print(json.dumps(found))
"""
FIRST = {
    f"stages.{name}" for name in ("base_models", "base_tests", "check_parameters", "download", "origins", "recipes")
}


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


@pytest.fixture(scope="module")
def written(empty: Path) -> dict[tuple[str, ...], str]:
    """What each stage writes without words, with --help and with those that DVC gives it."""
    commands = [[module, *words] for module in MODULES for words in ([], ["--help"])]
    commands += [words_of(module) for module in MODULES if module not in FIRST]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = python("data", "-c", ONE_BY_ONE, cwd=empty, env=environment, given=json.dumps(commands))
    return dict(zip(map(tuple, commands), json.loads(done.stdout), strict=True))


def words_of(module: str) -> list[str]:
    return next(command.split()[2:] for command in stages().values() if command.split()[2] == module)


@pytest.mark.parametrize("module", MODULES)
def test_without_words_a_stage_says_its_usage(module: str, written: dict[tuple[str, ...], str]) -> None:
    first, usage = written[module,].splitlines()
    assert re.fullmatch(r"error: [\w, ]+ must be given", first)
    assert re.fullmatch(rf"usage: python -m {module}( \[?\w+=(PATH|NAME)\]?)+", usage)


@pytest.mark.parametrize("module", MODULES)
def test_help_is_what_the_stage_does_and_its_usage(module: str, written: dict[tuple[str, ...], str]) -> None:
    *about, empty, usage = written[module, "--help"].splitlines()
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    assert "\n".join(about) == ast.get_docstring(ast.parse(source))
    assert (empty, usage) == ("", written[module,].splitlines()[1])


def test_it_is_the_same_in_a_process_of_its_own(empty: Path, written: dict[tuple[str, ...], str]) -> None:
    for words in (["stages.index"], words_of("stages.index")):
        done = run_without_large(empty, *words)
        assert (done.returncode, done.stderr) == (1, written[*words,])
    done = run_without_large(empty, "stages.index", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, written["stages.index", "--help"], "")


@pytest.mark.parametrize("module", sorted(set(MODULES) - FIRST))
def test_without_its_input_a_stage_names_the_stage_that_writes_it(
    module: str, written: dict[tuple[str, ...], str]
) -> None:
    command = words_of(module)
    match = re.fullmatch(r"error: (\S+) is missing; `dvc repro (\S+)` writes it\n", written[*command,])
    assert match, written[*command,]
    assert any(match[1] in word for word in command[1:])
    assert match[2] in {part for name in stages() for part in (name, name.split("@")[0])}
