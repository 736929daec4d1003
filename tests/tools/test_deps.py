"""dvc.yaml lists exactly the code that each stage imports."""

import ast
from pathlib import Path

import pytest

import attune
from attune.core.import_graph import ROOT, closure, imports
from tools.deps import FILES, code_dependencies, rewritten


@pytest.mark.parametrize("name", FILES)
def test_make_deps_has_nothing_to_write(name: str) -> None:
    text = (ROOT / name).read_text()
    assert rewritten(text) == text, "run `make deps`"


def test_a_missing_and_a_superfluous_line_are_mended() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    broken = text.replace("attune/cobert,", "", 1).replace("[stages/recipes.py,", "[attune/chat, stages/recipes.py,", 1)
    assert broken.count("attune/chat") == 1
    assert rewritten(broken) == text


def test_a_folder_stands_for_its_modules_where_a_stage_imports_all_of_them() -> None:
    listed = code_dependencies("stages.train_cobert")
    assert listed == [
        "stages/train_cobert.py",
        "stages/__init__.py",
        "attune/cobert",
        "attune/core",
        "attune/metrics/ranking.py",
        "attune/training",
    ]


def test_what_a_stage_reads_as_text_is_a_dependency_of_it_too() -> None:
    """The matchers' names, which check_parameters must check anew when one is renamed."""
    assert "attune/cobert/matchers.py" in code_dependencies("stages.check_parameters")
    assert "attune/cobert/matchers.py" not in code_dependencies("stages.download")


def test_both_files_together_are_short() -> None:
    assert sum(len((ROOT / name).read_text().splitlines()) for name in FILES) < 520


def test_rooms_are_what_their_stage_needs() -> None:
    """cobert/ is exactly what train_cobert imports of it, generators/ what train_generator imports."""
    for stage, room in (("train_cobert", "cobert"), ("train_generator", "generators")):
        reached = {file for file in closure(ROOT / "stages" / f"{stage}.py") if file.suffix == ".py"}
        modules = set((ROOT / "attune" / room).glob("*.py")) - {ROOT / "attune" / room / "__init__.py"}
        assert modules <= reached, stage
        foreign = {"corpora", "inference", "evaluation", "report", "chat"}
        assert not {file for file in reached if file.relative_to(ROOT).parts[1] in foreign}, stage


def test_the_project_itself_never_imports_through_its_public_api() -> None:
    """The import graph leaves attune/__init__.py out, so what came through it would be no dependency of a stage."""
    for folder in ("attune", "stages", "studies"):
        for path in (ROOT / folder).rglob("*.py"):
            if path == ROOT / "attune" / "__init__.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "attune":
                    assert not {alias.name for alias in node.names} & set(attune.__all__), path


def test_the_top_level_holds_rooms_only() -> None:
    assert [path.name for path in (ROOT / "attune").glob("*.py")] == ["__init__.py"]


def test_there_is_no_import_circle() -> None:
    done: set[Path] = set()

    def visit(path: Path, above: tuple[Path, ...]) -> None:
        assert path not in above, [each.name for each in (*above, path)]
        if path not in done:
            # A package runs before its modules, whichever of them is imported: that is no circle.
            for other in imports(path) - {path} - {parent / "__init__.py" for parent in path.parents}:
                visit(other, (*above, path))
            done.add(path)

    for path in (ROOT / "attune").rglob("*.py"):
        visit(path, ())


def test_no_file_and_no_function_is_long() -> None:
    for folder in ("attune", "stages", "studies", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            assert text.count("\n") <= 250, path
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 40, f"{path}: {node.name}"
