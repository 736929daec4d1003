"""Write the code dependencies of dvc.yaml and studies/dvc.yaml from the import graph: `python -m tools.deps`."""

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML

from attune.core.files import atomic_file
from attune.core.import_graph import PACKAGES, ROOT, closure
from tools import described

FILES = ("dvc.yaml", "studies/dvc.yaml")
# Small rooms on which every stage depends: listed whole, whichever of their modules a stage imports.
WHOLE = ("attune/core", "attune/parameters")
# A folder of which a stage imports more parts than this is listed whole: lists stay short, and a change of its other
# modules at worst reruns the stage.
_MOST_PARTS = 2
# What a stage reads as text, to know the names of matchers without importing torch.
READ = {"stages.check_parameters": ("attune/cobert/matchers.py",)}
_WIDTH = 120
_DEPS = re.compile(r"(?m)^(?P<indent> *)deps:(?: .*)?\n(?:(?P=indent)(?: +|- ).*\n)*")
_MODULE = re.compile(r"python -m (\S+)")


def code_dependencies(module: str) -> list[str]:
    """What `python -m module` is made of: folders of which it imports all or many modules, and single files."""
    start = ROOT / f"{module.replace('.', '/')}.py"
    files = {*closure(start), *(ROOT / name for name in READ.get(module, ()))}
    for folder in WHOLE:
        if any(ROOT / folder in file.parents for file in files):
            files |= set((ROOT / folder).rglob("*.py"))
    listed = [start, ROOT / "stages" / "__init__.py"]
    others = [path for path in _collapsed(ROOT / "attune", files) if path not in listed]
    return [path.relative_to(ROOT).as_posix() for path in [*dict.fromkeys(listed), *others]]


def _collapsed(folder: Path, files: set[Path]) -> list[Path]:
    """What of `folder` is among `files`: its modules, or a subfolder as a whole where all or many parts of it are."""
    paths: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path in files:
            paths.append(path)
        elif path.is_dir() and any(path in file.parents for file in files):
            parts = _collapsed(path, files)
            whole = all(file in files for file in path.rglob("*.py") if file.name != "__init__.py")
            paths += [path] if whole or len(parts) > _MOST_PARTS else parts
    return paths


def is_code(dependency: str) -> bool:
    return dependency.split("/")[0] in PACKAGES


def rewritten(text: str) -> str:
    """The text of a dvc.yaml, with the code of each stage's `deps` as its module imports it."""
    stages = iter(YAML(typ="safe").load(text)["stages"].values())

    def block(match: re.Match[str]) -> str:
        stage = next(stages)
        body = stage.get("do", stage)
        (module,) = _MODULE.findall(body["cmd"])
        data = [dependency for dependency in body["deps"] if not is_code(dependency)]
        return _block(match["indent"], [*code_dependencies(module), *data])

    return _DEPS.sub(block, text)


def _block(indent: str, dependencies: Iterable[str]) -> str:
    quoted = [f'"{each}"' if "$" in each else each for each in dependencies]
    lines = textwrap.wrap(
        f"[{', '.join(quoted)}]",
        _WIDTH,
        initial_indent=f"{indent}  ",
        subsequent_indent=f"{indent}   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{indent}deps:\n" + "".join(f"{line}\n" for line in lines)


def main() -> None:
    described(__doc__).parse_args()
    for name in FILES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = rewritten(before)
        with atomic_file(path) as temporary:
            temporary.write_text(after, encoding="utf-8")
        print(f"{name}: {'unchanged' if after == before else 'rewritten'}")


if __name__ == "__main__":
    main()
