"""Which of the project's files a module is made of: what it imports, directly or through others."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("attune", "stages", "studies")
# The public API imports nothing until a name is asked for, and the project's own modules never ask it.
_PUBLIC_API = ROOT / "attune" / "__init__.py"


def closure(start: Path) -> list[Path]:
    """The project's files that `start` imports, at the top or inside a function, and `start` itself; sorted.

    A package's `__init__.py` counts where it holds more than a docstring, and its data files (such as .toml) count with
    the modules beside them.
    """
    start = start.resolve()
    seen, waiting = {start}, [start]
    while waiting:
        for file in imports(waiting.pop()) - seen:
            seen.add(file)
            waiting.append(file)
    return sorted(seen | {file for folder in {file.parent for file in seen} for file in _data_files(folder)})


@cache
def imports(path: Path) -> frozenset[Path]:
    """The project's files that `path` itself imports, and the packages in which they lie."""
    if path.suffix != ".py":
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    files: set[Path] = set()
    for name in names:
        parts = name.split(".")
        if parts[0] in PACKAGES:
            files |= {file for size in range(1, len(parts) + 1) if (file := _file(parts[:size]))}
    return frozenset(files - {_PUBLIC_API})


def _file(parts: list[str]) -> Path | None:
    place = ROOT.joinpath(*parts)
    if place.with_suffix(".py").is_file():
        return place.with_suffix(".py")
    package = place / "__init__.py"
    return package if package.is_file() and _has_code(package) else None


@cache
def _has_code(path: Path) -> bool:
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text(encoding="utf-8")).body)


@cache
def _data_files(package: Path) -> frozenset[Path]:
    """What lies in a package and its subfolders without modules, compiled files aside."""
    files: set[Path] = set()
    for path in package.iterdir():
        if path.is_file() and path.suffix not in (".py", ".pyc", ".yaml", ".lock") and not path.name.startswith("."):
            files.add(path)
        elif path.is_dir() and path.name != "__pycache__" and not any(path.rglob("*.py")):
            files |= _data_files(path)
    return frozenset(files)
