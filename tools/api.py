"""Write docs/api.md from the docstrings of the public API: `python -m tools.api`."""

import inspect
import re
from typing import Any

import attune
from attune.core.files import atomic_file
from attune.core.import_graph import ROOT
from attune.generators.encoding import Encoded, Prompt
from attune.generators.prompts import Example
from attune.index.bank import Bank
from attune.inference.ranker import Ranked, Read
from attune.inference.reply import Reply
from attune.inference.retriever import Retrieved
from attune.parameters.decoding import Decoding
from tools import described

PAGE = ROOT / "docs" / "api.md"
_HEAD = """# API

Written from the docstrings by `python -m tools.api`. Ranker, Retriever and Generator each have
`.from_pretrained(path)`; evaluation, stages, page and terminal use exactly these classes. A `Decoding` says how a reply
is written. What is wrong with an input is an `AttuneError`, whose message says what would be right (`from attune import
AttuneError`):

```python
from attune import Decoding, Generator

generator = Generator.from_pretrained("models/generators/full")
warm = Decoding(method="sampling", temperature=0.9, top_p=0.95)
print(generator.reply(["I passed my driving test today!"], decoding=warm).text)
```
"""
_RECORDS = """## Records

What the methods take and return: their fields, and below them what follows from these.
"""
RECORDS = (Ranked, Read, Retrieved, Reply, Decoding, Example, Prompt, Encoded, Bank)


def page() -> str:
    classes = [attune.Ranker, attune.Retriever, attune.Generator]
    return "\n".join([_HEAD, *map(_class, classes), _RECORDS, *map(_record, RECORDS)])


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
    """Its fields with their types and defaults, then its properties, and its docstring."""
    fields = [str(each) for each in inspect.signature(cls).parameters.values()]
    for name, member in vars(cls).items():
        if isinstance(member, property):
            fields.append(f"{name}: {inspect.formatannotation(inspect.signature(_function(member)).return_annotation)}")
    return "\n".join([f"### `{cls.__name__}`\n\n```text", *map(_plain, fields), f"```\n\n{_docstring(cls)}"])


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
    """Names as they are imported: without the modules before them and without the quotes around classes."""
    return re.sub(r"'([A-Z]\w*)'", r"\1", re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", annotation))


def _docstring(documented: Any) -> str:
    """The docstring, with numpy's `Raises` as a list."""
    text, _, errors = (inspect.getdoc(documented) or "").partition("\n\nRaises\n------\n")
    raised = re.findall(r"(?m)^(\w+)\n((?:    .*\n?)+)", errors)
    listed = [f"- `{name}`: {' '.join(why.split())}\n" for name, why in raised]
    return f"{text}\n" + (f"\nRaises:\n\n{''.join(listed)}" if listed else "")


def main() -> None:
    described(__doc__).parse_args()
    with atomic_file(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
