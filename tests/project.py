"""The project's own params.yaml, changed for a test and written into its folder."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def read(path: Path = ROOT / "params.yaml") -> dict[str, Any]:
    """The values of a params.yaml, which a test may change."""
    # By the parser in C, which is five times as fast as the one that the project uses.
    values: dict[str, Any] = parsed(path.read_text(encoding="utf-8"), typ="safe")
    return values


def parsed(text: str, **settings: Any) -> Any:
    """What a YAML parser with these settings reads, which a test may change; the same text is read once."""
    return deepcopy(_parsed(text, **settings))


@cache
def _parsed(text: str, **settings: Any) -> Any:
    return YAML(**settings).load(text)


def changed(tmp_path: Path, *changes: tuple[str, object]) -> Path:
    """params.yaml with some keys set, as `dvc exp run -S` sets them; its comments go."""
    values = read()
    for key, value in changes:
        *sections, last = key.split(".")
        place = values
        for section in sections:
            place = place[section]
        place[last] = value
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False  # as in params.yaml; DVC, which rewrites it, takes the quotes off URLs in braces
    yaml.sort_base_mapping_type_on_output = False  # the order of recipes and generators is the tables'
    path = tmp_path / "params.yaml"
    yaml.dump(values, path)
    return path
