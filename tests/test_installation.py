"""What installs and checks Attune agrees with itself: the Makefile, the lock, the containers, CI and the hooks."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from shutil import copy

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from tests.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11", "3.12", "3.13")
# What `make setup` leaves out on purpose; pyproject.toml says why.
LEFT_OUT = {"llm", "llama-cpp-python", "openvino-telemetry"}
# Says that it is another version; instead of a virtual environment it makes a file.
OTHER_PYTHON = """#!/bin/sh
[ "$1" = -c ] || { touch venv-made; exit 7; }
exec "$REAL" -c "import sys; sys.version_info, sys.version = ($VERSION, 1), '$VERSION'.replace(', ', '.'); $2"
"""


def pinned(version: str) -> dict[str, Requirement]:
    """The lines of requirements.lock that Python `version` installs, by name."""
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    lock = [Requirement(line) for line in lines]
    kept = [each for each in lock if each.marker is None or each.marker.evaluate({"python_version": version})]
    return {canonicalize_name(each.name): each for each in kept}


@pytest.mark.parametrize("version", PYTHONS)
def test_the_lock_has_all_that_its_packages_need(version: str) -> None:
    lock, checked = pinned(version), 0
    environment = {**default_environment(), "python_version": version, "python_full_version": f"{version}.1"}
    own = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    needs = {"attune": own} | {name: distribution(name).requires or [] for name in lock if name != "audioop-lts"}
    needs.pop("torch")  # PyPI's needs CUDA's libraries on Linux, which `make setup` adds
    for name, lines in needs.items():
        for need in map(Requirement, lines):
            wanted = canonicalize_name(need.name)
            if wanted in LEFT_OUT or (need.marker and not need.marker.evaluate(environment | {"extra": ""})):
                continue
            assert wanted in lock, f"{name} needs {need}"
            [exact] = lock[wanted].specifier
            assert need.specifier.contains(exact.version, prereleases=True), f"{name} needs {need}, not {exact}"
            checked += 1
    assert checked > 300


def installed(folder: Path, does: str) -> None:
    """Put there what `make` needs, with a Python in .venv that is a script of the shell and `does` this.

    With PYTHON=false, make could install nothing for want of a Python that runs.
    """
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        copy(ROOT / name, folder)
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    (folder / ".venv/.installed").touch()


def test_the_project_itself_is_installed_without_the_network() -> None:
    """By the backend that the lock has put there."""
    shown = subprocess.run(["make", "-n", "-B", "setup"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lock, own = map(shown.index, ("--requirement requirements.lock", "--no-build-isolation --editable ."))
    assert lock < own
    [backend] = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    for version in PYTHONS:
        [exact] = pinned(version)[backend.name].specifier
        assert backend.specifier.contains(exact.version)


@pytest.mark.fault("PYTHONSAFEPATH or PYTHONHOME set in the shell", "`make` runs as without it")
def test_a_shell_cannot_hide_the_project_from_its_python(tmp_path: Path) -> None:
    installed(tmp_path, "env > seen")
    settings = {"PYTHONSAFEPATH": "1", "PYTHONHOME": "/nowhere", "PYTHONUTF8": "1"}
    subprocess.run(["make", "quick", "PYTHON=false"], cwd=tmp_path, env=os.environ | settings, check=True)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines() if "=" in line)
    assert {name for name in settings if name in seen} == {"PYTHONUTF8"}


def test_the_processes_of_the_tests_compile_the_project_once(tmp_path: Path) -> None:
    installed(tmp_path, "env > seen")
    settings = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    for target, kept in (("quick", True), ("test", False)):
        subprocess.run(["make", target, "PYTHON=false"], cwd=tmp_path, env=settings, check=True)
        assert ("PYTHONDONTWRITEBYTECODE" in (tmp_path / "seen").read_text()) == kept


@pytest.mark.fault("`make -j` with several targets", "one after the other, as without -j")
def test_several_targets_run_in_their_order_whatever_makeflags_say(tmp_path: Path) -> None:
    installed(tmp_path, "[ $1 != -m ] || { echo begin >> log; sleep .3; echo end >> log; }")
    settings = os.environ | {"MAKEFLAGS": "-j8"}
    subprocess.run(["make", "repro", "studies", "PYTHON=false"], cwd=tmp_path, env=settings, check=True)
    assert (tmp_path / "log").read_text().split() == ["begin", "end"] * 2


@pytest.mark.fault("tests or `.ci/run` in a git hook, with GIT_DIR set", "they commit nowhere but in their own folders")
def test_a_hook_s_repository_is_not_that_of_the_tests(tmp_path: Path) -> None:
    """The second is `.ci/run`, as far as its first call of make."""
    make = tmp_path / "make"
    make.write_text("#!/bin/sh\nenv\nexit 7\n")
    make.chmod(0o755)
    settings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GIT_DIR": str(tmp_path), "GIT_INDEX_FILE": "index"}
    for command in ([sys.executable, "-c", "import os, tests.conftest; print(dict(os.environ))"], [".ci/run"]):
        done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
        assert "PATH" in done.stdout, done.stderr
        assert not re.findall(r"GIT_DIR|GIT_INDEX_FILE", done.stdout)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.fault("another Python than 3.11 to 3.13", "named before anything is installed, with ways to get one")
def test_make_asks_for_a_python_that_the_lock_is_for(version: str, tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(OTHER_PYTHON.replace("$VERSION", version.replace(".", ", ")).replace("$REAL", sys.executable))
    python.chmod(0o755)
    done = subprocess.run(["make", "setup", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True)
    assert (tmp_path / "venv-made").exists() == SpecifierSet(PROJECT["requires-python"]).contains(version)
    if version in PYTHONS:
        return
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]} is needed, and " in done.stderr
    assert f" is {version}. Get one from your system" in done.stderr


def python_in(path: Path, does: str) -> Path:
    """A Python that runs, and does this instead of making a virtual environment."""
    path.write_text(f'#!/bin/sh\n[ "$1" != -m ] || {{ {does}; exit 7; }}\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (f'exec {sys.executable} "$@"', "venv .venv"),
        ("[ $1 = -E ] || echo /elsewhere 3.12.1", "venv --clear .venv"),
        ("exit 127", "venv --clear .venv"),
    ],
)
@pytest.mark.fault("a .venv of another Python, or of one that is gone", "`make setup` makes it anew")
def test_an_environment_of_another_python_is_made_anew(own: str, words: str, tmp_path: Path) -> None:
    installed(tmp_path, own)
    if own != "exit 127":  # with which nothing counts as installed
        (tmp_path / ".venv/.installed").unlink()
    python = python_in(tmp_path / "python", "shift; echo $* > words")
    subprocess.run(["make", "setup", f"PYTHON={python}"], cwd=tmp_path)
    assert (tmp_path / "words").read_text() == f"{words}\n"


@pytest.mark.fault("a python3.11 that is there and does not run, such as pyenv's", "`make` takes the next that does")
def test_make_takes_a_python_that_runs(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        copy(ROOT / name, tmp_path)
    python_in(tmp_path / "python3.12", "touch made")
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.11").chmod(0o755)
    given = {name: value for name, value in os.environ.items() if name != "PYTHON"}  # `make test` exports its own
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["make", "setup"], cwd=tmp_path, env=given | {"PATH": path}, capture_output=True)
    assert (tmp_path / "made").is_file()


def test_ci_and_the_containers_run_these_pythons() -> None:
    workflow = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")
    assert tuple(workflow["jobs"]["all"]["strategy"]["matrix"]["python"]) == PYTHONS
    assert set(re.findall(r'python-version: "(.*)"', json.dumps(workflow))) <= set(PYTHONS)
    assert f"ARG PYTHON={PYTHONS[0]}\nFROM python:${{PYTHON}}-slim\n" in (ROOT / "Dockerfile").read_text()
    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert settings["image"].rsplit(":")[-1] == PYTHONS[0]
    assert "make setup" in settings["postCreateCommand"]


def test_the_image_copies_committed_files_that_it_does_not_ignore() -> None:
    copied = re.findall(r"(?m)^COPY --chown=\S+ (.+) \S+$", (ROOT / "Dockerfile").read_text())
    names = {name for line in copied for name in line.split()} - {"."}
    assert {"Makefile", "pyproject.toml", "requirements.lock"} < names
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert names <= set(tracked)
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert not {part for name in names for part in (name, name.split("/")[0])} & ignored


def test_the_hooks_are_the_commands_of_make_check() -> None:
    [local] = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = sorted(hook["entry"].replace(" --force-exclude", "") for hook in local["hooks"])
    lines = subprocess.run(["make", "-n", "check"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = [line.removesuffix(" .") for line in lines.splitlines() if re.search(r"/(ruff|mypy)\b", line)]
    assert hooks == sorted(commands)


def test_help_lists_every_command() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [commands] = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text())
    assert re.findall(r"(?m)^make (\S+) +\S", shown) == commands.split()


@pytest.mark.fault("a clone with core.autocrlf", "the same bytes, which dvc.lock's hashes are of")
def test_a_clone_with_line_endings_of_windows_has_the_same_bytes(tmp_path: Path) -> None:
    windows = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    subprocess.run(["git", *windows, "clone", "--quiet", "--shared", ROOT, tmp_path / "clone"], check=True)
    run = {"cwd": tmp_path / "clone", "capture_output": True, "text": True, "check": True}
    listed = subprocess.run(["git", "ls-tree", "-r", "HEAD"], **run).stdout.splitlines()
    files = {line.split("\t")[1]: line.split()[2] for line in listed}
    assert len(files) > 400
    command = ["git", "hash-object", "--no-filters", "--stdin-paths"]
    hashes = subprocess.run(command, input="\n".join(files), **run).stdout.split()
    assert dict(zip(files, hashes, strict=True)) == files


def test_an_image_gets_nothing_that_git_leaves_out() -> None:
    """Such as a remote's password in .dvc/config.local, or what people said in judgements.jsonl."""
    kept = {line.strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    left = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/")}
    left |= {f".dvc/{line.strip('/')}" for line in (ROOT / ".dvc" / ".gitignore").read_text().splitlines()}
    assert left <= kept
