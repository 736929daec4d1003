"""Every number of params.yaml, at values that no key may have: refused with key and value, all in one message."""

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from attune.core.errors import AttuneError
from attune.parameters import parse
from tests.project import ROOT

VALUES = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
WRONG = (-1, 10**30, math.nan, math.inf, "many", True, [1])
PATH = Path("params.yaml")


def numbers(section: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each number below `section`."""
    entries = section.items() if isinstance(section, dict) else enumerate(section) if isinstance(section, list) else ()
    for key, value in entries:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*place, key)
        yield from numbers(value, (*place, key))


def changed(*changes: tuple[tuple[Any, ...], object]) -> dict[str, Any]:
    values = copy.deepcopy(VALUES)
    for place, value in changes:
        section = values
        for part in place[:-1]:
            section = section[part]
        section[place[-1]] = value
    return values


@pytest.mark.parametrize("place", numbers(VALUES), ids=lambda place: ".".join(map(str, place)))
@pytest.mark.fault(
    "a number of params.yaml that is -1, 1e30, NaN, inf, text, true or a list", "refused with key and value"
)
def test_a_number_out_of_range_or_of_another_kind_is_refused(place: tuple[Any, ...]) -> None:
    for value in WRONG:
        with pytest.raises(AttuneError) as raised:
            parse(changed((place, value)), PATH)
        assert ".".join(map(str, place)) in str(raised.value)
        assert repr(value) in str(raised.value)


@pytest.mark.fault("every number of params.yaml wrong at once", "all of them in one message")
def test_all_wrong_numbers_are_named_at_once() -> None:
    places = list(numbers(VALUES))
    with pytest.raises(AttuneError) as raised:
        parse(changed(*((place, "many") for place in places)), PATH)
    for place in places:
        assert f"params.yaml: {'.'.join(map(str, place))}" in str(raised.value)


@pytest.mark.parametrize(
    ("package", "place", "value", "message"),
    [
        ("openvino", ("index", "backend"), "openvino", r"index\.backend: 'openvino' needs the package openvino"),
        (
            "bitsandbytes",
            ("generators", "persona", "load_in_4bit"),
            True,
            r"persona\.load_in_4bit: true needs the extra",
        ),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, place: tuple[str, ...], value: object, message: str
) -> None:
    monkeypatch.setattr("attune.parameters.agreement.find_spec", lambda name: None if name == package else object())
    with pytest.raises(AttuneError, match=message):
        parse(changed((place, value)), PATH)
