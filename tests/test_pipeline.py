"""dvc.yaml, the modules and the parameters agree with one another."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from attune import parameters

ROOT = Path(__file__).parents[1]
FILES = ("dvc.yaml", "studies/dvc.yaml")
STAGES = {name: stage for file in FILES for name, stage in YAML(typ="safe").load(ROOT / file)["stages"].items()}
BODIES = {name: stage.get("do", stage) for name, stage in STAGES.items()}


def module_of(body: dict[str, object]) -> str:
    words = str(body["cmd"]).split()
    assert words[:2] == ["python", "-m"]
    return words[2]


@cache
def imports(path: Path) -> frozenset[Path]:
    """The project's files that `path` imports, anywhere in it: at the top, in a function, for types only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.split(".")[0] in ("attune", "stages"):
                place = ROOT / name.replace(".", "/")
                found |= {file for file in (place.with_suffix(".py"), place / "__init__.py") if file.exists()}
    return frozenset(found)


def reached(path: Path) -> set[Path]:
    seen, waiting = {path}, [path]
    while waiting:
        for file in imports(waiting.pop()) - seen:
            seen.add(file)
            waiting.append(file)
    return seen


@pytest.mark.parametrize("name", BODIES)
def test_a_stage_depends_on_all_the_code_that_it_imports(name: str) -> None:
    body = BODIES[name]
    listed = [ROOT / dependency for dependency in body["deps"] if "$" not in dependency]
    start = ROOT / f"{module_of(body).replace('.', '/')}.py"
    missing = [
        str(file.relative_to(ROOT))
        for file in reached(start) | {ROOT / "stages/__init__.py"}
        if file != ROOT / "attune/__init__.py"
        and not any(file == dependency or dependency in file.parents for dependency in listed)
    ]
    assert sorted(missing) == []


@pytest.mark.parametrize("name", BODIES)
def test_a_stage_lists_no_code_that_it_does_not_import(name: str) -> None:
    body = BODIES[name]
    start = ROOT / f"{module_of(body).replace('.', '/')}.py"
    files = reached(start) | {ROOT / "stages/__init__.py"}
    unused = [
        dependency
        for dependency in body["deps"]
        if dependency.startswith(("attune", "stages"))
        and not any(ROOT / dependency == file or ROOT / dependency in file.parents for file in files)
    ]
    assert unused == []


def test_each_stage_module_is_in_the_graph_and_has_a_test() -> None:
    modules = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert {module_of(body).removeprefix("stages.") for body in BODIES.values()} == modules
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "stages").glob("test_*.py")}
    assert modules - tests == set()


def test_every_parameter_is_tracked_by_a_stage() -> None:
    """A key that neither a stage lists nor dvc.yaml puts into a command or a path would change nothing."""
    listed = {str(key).split(".${")[0] for body in BODIES.values() for key in body.get("params", [])}
    listed |= set(re.findall(r"\$\{([\w.]+)", "".join((ROOT / file).read_text() for file in FILES)))
    values = parameters.load(ROOT / "params.yaml").model_dump()
    untracked = [key for key in leaves(values) if not any(key == name or key.startswith(f"{name}.") for name in listed)]
    assert untracked == []


def leaves(values: dict[str, object], above: str = "") -> list[str]:
    found = []
    for name, value in values.items():
        found += leaves(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]
    return found


def outputs() -> list[str]:
    return [
        next(iter(out)) if isinstance(out, dict) else out for body in BODIES.values() for out in body.get("outs", [])
    ]


def test_every_cached_output_is_ignored_by_git_up_front() -> None:
    """DVC takes back its own ignore lines after a failed run."""
    cached = [out for body in BODIES.values() for out in body["outs"] if isinstance(out, str)]
    done = subprocess.run(["git", "check-ignore", *cached], cwd=ROOT, capture_output=True, text=True)
    assert sorted(done.stdout.split()) == sorted(cached)


def test_dvc_resolves_the_graph() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--name-only", *FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert sum(name.startswith("train_cobert@") for name in names) == 18
    assert "train_cobert@baseline-large-happy" in names
    assert any(name.endswith("train_compared@bi_encoder-all") for name in names)
    generators = {name.removeprefix("train_generator@") for name in names if name.startswith("train_generator@")}
    assert generators == set(parameters.load(ROOT / "params.yaml").generators)


def test_stages_do_not_import_one_another_nor_attune_the_stages() -> None:
    for path in [*(ROOT / "stages").glob("*.py"), *(ROOT / "attune").rglob("*.py")]:
        others = {file for file in imports(path) if file.parent == ROOT / "stages" and file.name != "__init__.py"}
        assert not others, path
        if ROOT / "attune" in path.parents:
            assert ROOT / "stages" / "__init__.py" not in imports(path), path


@pytest.mark.parametrize("stage", ["download", "subset", "preprocess", "recipes"])
def test_a_data_stage_starts_without_torch(stage: str) -> None:
    code = f"import sys, stages.{stage}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
