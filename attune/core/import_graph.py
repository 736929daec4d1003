"""Which of the project's files a module is made of: what it imports, directly or through others."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("attune", "stages", "studies")
# The public API imports nothing until it is asked, so what stands in it decides no result.
_FACE = ROOT / "attune" / "__init__.py"


def closure(start: Path) -> list[Path]:
    """The files of the project that `start` imports anywhere in it, at the top or in a function, and `start`; sorted.

    Packages count with their `__init__.py`, which Python runs first.
    """
    start = start.resolve()
    seen, waiting = {start}, [start]
    while waiting:
        for file in imports(waiting.pop()) - seen:
            seen.add(file)
            waiting.append(file)
    return sorted(seen)


@cache
def imports(path: Path) -> frozenset[Path]:
    """The project's files that `path` itself imports, with the packages that hold them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    found: set[Path] = set()
    for name in names:
        parts = name.split(".")
        if parts[0] in PACKAGES:
            found |= {file for size in range(1, len(parts) + 1) if (file := _file(parts[:size]))}
    return frozenset(found - {_FACE})


def _file(parts: list[str]) -> Path | None:
    place = ROOT.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
