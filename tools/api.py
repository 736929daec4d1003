"""Write docs/api.md from the docstrings of the public API: `python -m tools.api`."""

import inspect
import re
from typing import Any

import attune
from attune.core.files import atomic_file
from attune.core.import_graph import ROOT
from attune.index.bank import Bank
from attune.inference.decoding import Reply
from attune.inference.ranker import Ranked
from attune.inference.retriever import Retrieved
from attune.parameters.decoding import Decoding

PAGE = ROOT / "docs" / "api.md"
_HEAD = """# API

Written from the docstrings by `python -m tools.api`. `from attune import Ranker, Retriever, Generator`; each has
`.from_pretrained(path)`. Evaluation, stages, page and terminal use exactly these classes.
"""
RECORDS = (Ranked, Retrieved, Reply, Decoding, Bank)


def page() -> str:
    classes = [attune.Ranker, attune.Retriever, attune.Generator]
    return "\n".join([_HEAD, *map(_class, classes), "## Records\n", *map(_record, RECORDS)])


def _class(cls: type) -> str:
    methods = [
        (name, member)
        for name, member in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, classmethod | property))
    ]
    parts = [f"## {cls.__name__}\n", _docstring(cls)]
    for name, member in methods:
        function = _function(member)
        call = "" if isinstance(member, property) else _signature(function)
        parts += [f"### `{cls.__name__}.{name}`\n", f"```text\n{name}{call}\n```\n", _docstring(function)]
    return "\n".join(parts)


def _record(cls: type) -> str:
    return f"### `{cls.__name__}`\n\n{_docstring(cls)}"


def _function(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget
    return member.__func__ if isinstance(member, classmethod) else member


def _signature(function: Any) -> str:
    """Without `self` and `cls`, and with one parameter per line where it would be long."""
    signature = inspect.signature(function)
    parameters = [each for name, each in signature.parameters.items() if name not in ("self", "cls")]
    short = _plain(str(signature.replace(parameters=parameters)))
    if len(short) < 80:
        return short
    lines = "".join(f"    {_plain(str(each))},\n" for each in parameters)
    return f"(\n{lines}) -> {_plain(inspect.formatannotation(signature.return_annotation))}"


def _plain(annotation: str) -> str:
    """Names as they are imported: without the modules before them and without quotes."""
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", annotation).replace("'", "")


def _docstring(documented: Any) -> str:
    """The docstring, with numpy's `Raises` as a list."""
    text, _, errors = (inspect.getdoc(documented) or "").partition("\n\nRaises\n------\n")
    raised = re.findall(r"(?m)^(\w+)\n((?:    .*\n?)+)", errors)
    listed = [f"- `{name}`: {' '.join(why.split())}\n" for name, why in raised]
    return f"{text}\n" + (f"\nRaises:\n\n{''.join(listed)}" if listed else "")


def main() -> None:
    with atomic_file(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
