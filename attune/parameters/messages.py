"""What is wrong with a value of params.yaml, in a sentence that says what would be right."""

from collections.abc import Mapping
from typing import Any

from attune.core.errors import quoted
from attune.parameters.data import PUBLISHED, OwnData, OwnDataset
from attune.parameters.generators import SECTIONS
from attune.parameters.sections import Parameters
from attune.parameters.types import Section

# By pydantic's name of the problem, what it would call a dictionary or an instance of a class.
_SHAPES = {
    "dict_type": "it must be a mapping, one `key: value` per line",
    "model_type": "it must be a mapping, one `key: value` per line",
    "model_attributes_type": "it must be a mapping, one `key: value` per line",
    "list_type": "it must be a list, such as [a, b]",
}


def sentence(detail: Any) -> str:
    """detail: one of a ValidationError's `errors()`."""
    place = tuple(part for at, part in enumerate(detail["loc"]) if not _is_tag(detail["loc"], at))
    key = ".".join(str(part) for part in place).removesuffix(".[key]")  # pydantic's mark of a mapping's key
    match detail["type"]:
        case "extra_forbidden":
            section = ".".join(str(part) for part in place[:-1]) or "the top level"
            section += _of_method(detail["loc"])
            return f"unknown key {key} = {quoted(detail['input'])}; {section} may hold {_known(detail['loc'][:-1])}"
        case "missing":
            return f"the key {key} is missing{_of_method(detail['loc'])}"
        case "union_tag_not_found" if place[0] == "corpora":
            return f"{key} needs `path` (a file) or `datasets` (a hub's dataset){_unknown(detail['input'])}"
        case "union_tag_not_found":
            return f"the key {key}.method is missing"
        case "union_tag_invalid":
            return f"{key}.method = {detail['ctx']['tag']!r}; it may be {detail['ctx']['expected_tags']}"
        case "string_pattern_mismatch":
            return f"{key}: a name consists of letters, digits and underscores; DVC would take a dot for a section"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
    message = _SHAPES.get(detail["type"], f"{detail['msg'][0].lower()}{detail['msg'][1:]}")
    return f"{key} = {quoted(detail['input'])}: {message}"


def _of_method(location: tuple[str | int, ...]) -> str:
    """Which method decides what keys an entry of `generators` has; empty for other sections."""
    return f" (method {location[2]})" if location[0] == "generators" and len(location) > 3 else ""


def _unknown(entry: Mapping[Any, Any]) -> str:
    """Which keys of an entry of `corpora` no data of one's own have."""
    keys = [str(key) for key in entry if key not in OwnData.model_fields | OwnDataset.model_fields]
    return f"; {', '.join(keys)} {'is' if len(keys) == 1 else 'are'} unknown" if keys else ""


def _is_tag(location: tuple[str | int, ...], at: int) -> bool:
    """The location of a generator or corpus also holds the tag by which pydantic chose its section."""
    return location[0] in ("generators", "corpora") and at == 2


def _known(location: tuple[str | int, ...]) -> str:
    """The keys that the section at `location` may hold."""
    section: Any = Parameters
    for at, part in enumerate(location):
        if _is_tag(location, at):
            section = (SECTIONS | PUBLISHED)[str(part)]
        elif isinstance(section, type) and issubclass(section, Section):
            section = section.model_fields[str(part)].annotation
        else:  # a mapping by name or a list: its values' type
            section = section.__args__[-1]
    return ", ".join(section.model_fields)
