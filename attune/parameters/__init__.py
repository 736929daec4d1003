"""params.yaml, read once and typed: a wrong key, type or combination is a clear error before anything starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.parser import ParserError
from ruamel.yaml.scanner import ScannerError

from attune.core.errors import AttuneError, one_line, quoted
from attune.parameters.agreement import AGREEMENT, Check
from attune.parameters.messages import sentence
from attune.parameters.sections import Parameters
from attune.parameters.types import Section


def load(path: Path = Path("params.yaml"), further: Sequence[Check] = ()) -> Parameters:
    """Read with ruamel: PyYAML takes the `5e-05` that `dvc exp run -S lr=5e-5` writes for a string.

    further: what else must hold, beside the agreement of the sections.

    Raises
    ------
    AttuneError
        with one line per wrong key or value, which says what would be right.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        raw = YAML(typ="safe", pure=True).load(text)
    except FileNotFoundError:
        raise AttuneError(f"{path} is missing; start in the project's folder") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise AttuneError(f"{path}, line {line}: text that is not UTF-8; save the file in UTF-8") from None
    except YAMLError as error:
        raise AttuneError(f"{path}{_not_yaml(error, text)}") from None
    except (ValueError, LookupError, RecursionError) as error:  # of a value; the parser does not say which
        form = "a date is one of the calendar, what follows !!int is a whole number, and brackets are few"
        raise AttuneError(f"{path} holds a value that YAML cannot have ({one_line(error)}); {form}") from None
    if not isinstance(raw, dict):
        raise AttuneError(f"{path} must hold a mapping of parameters")
    return parse(raw, path, further)


def _not_yaml(error: YAMLError, text: str) -> str:
    """The line that is at fault, and what it should be like."""
    if not isinstance(error, MarkedYAMLError):
        return f" is not YAML: {one_line(error)}"
    keyless = error.context == "while scanning a simple key"  # noticed where the next line begins
    mark = error.context_mark if keyless else error.problem_mark
    place = f"line {mark.line + 1}" if keyless else f"line {mark.line + 1} or above"
    found = quoted("".join(text.splitlines()[mark.line : mark.line + 1]).strip())
    if not isinstance(error, ScannerError | ParserError):
        step = "write each key once, and quote a value that begins with *, & or !"
        return f", line {mark.line + 1}: {found} cannot be read ({one_line(error.problem)}); {step}"
    return (
        f", {place}: {found} is not YAML ({error.problem}); write `key: value`, indent with spaces, and close quotes "
        "and brackets"
    )


def parse(raw: dict[str, Any], path: Path, further: Sequence[Check] = ()) -> Parameters:
    """As `load`, of what `path` holds. A check waits until the sections that it reads are right by themselves."""
    problems, wrong = [], set()
    try:
        settings = Parameters.model_validate(raw)
    except ValidationError as error:
        problems = [sentence(detail) for detail in error.errors()]
        wrong = {detail["loc"][0] for detail in error.errors()}
        settings = _without(wrong, raw)
    for check in (*AGREEMENT, *further):
        if wrong.isdisjoint(check.sections):
            problems += check.problems(settings)
    if problems:
        raise AttuneError("\n".join(f"{path}: {each}" for each in dict.fromkeys(problems)))
    return settings


def _without(wrong: set[int | str], raw: dict[str, Any]) -> Parameters:
    """The sections of `raw` that are right; the others are absent."""
    right = {name: field for name, field in Parameters.model_fields.items() if name not in wrong}
    fields: dict[str, Any] = {name: (each.annotation, each) for name, each in right.items()}
    model = create_model("Right", __base__=Section, **fields)
    return cast(Parameters, model.model_validate({name: raw[name] for name in right if name in raw}))


__all__ = ["Check", "Parameters", "load", "parse"]
