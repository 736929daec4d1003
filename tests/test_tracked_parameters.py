"""Each stage lists the parameters that its code reads, or a change of one of them would rerun nothing."""

import ast
import inspect
import textwrap
from functools import cache
from pathlib import Path

import pytest

from attune.core.import_graph import closure
from attune.parameters import Parameters
from tests.project import ROOT
from tests.test_pipeline import BODIES, module_of

# How the code calls all parameters.
WHOLE = ("settings", "parameters")
# Both engines write the same bytes, and trackers only look on.
CHANGE_NOTHING = {"engine", "report_to"}
# What a stage has from elsewhere, or imports and does not call.
ELSEWHERE = {
    "base_encoders": {"bases", "encoder", "index.embedder"},  # in ${item}
    "base_models": {"encoder", "index.embedder"},  # in ${item}
    "download": {"corpora", "seed", "source"},  # in data/origins
    "plot": {"compare", "personas"},  # of the studies' figures
    "plot_studies": {"corpora"},  # of the main job's figures
    "report_studies": {
        "generation.max_new_tokens",
        "generation.perplexity_examples",
        "generation.reply_examples",
    },  # of the main job's page
}


@cache
def read_in(path: Path) -> frozenset[str]:
    """`section` where a file reads `settings.section`, and `section.key` where it also reads `section.key`.

    A section's own method counts as the keys that it reads.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            above = getattr(node.value, "attr", getattr(node.value, "id", ""))
            found |= {node.attr} if above in WHOLE else {f"{above}.{node.attr}"}
    found |= {key for call in found & METHODS.keys() for key in METHODS[call]}
    return frozenset(key for key in found & KEYS if key.partition(".")[0] in found)


def read_by(body: dict[str, object]) -> set[str]:
    """What the code of a stage reads, apart from the checks of all parameters, which only refuse."""
    files = closure(ROOT / f"{module_of(body).replace('.', '/')}.py")
    own = [each for each in files if each.suffix == ".py" and ROOT / "attune/parameters" not in each.parents]
    return set().union(*map(read_in, own))


def _keys() -> set[str]:
    keys = set()
    for name, field in Parameters.model_fields.items():
        within = getattr(field.annotation, "model_fields", {})
        keys |= {name, *(f"{name}.{key}" for key in within)}
    return keys - CHANGE_NOTHING - {"lr", "max_length"}  # generators and recipes have keys of these names too


def _methods() -> dict[str, set[str]]:
    """What each `section.method` reads of its section, as `section.key`."""
    methods = {}
    for name, field in Parameters.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {})
        own = vars(field.annotation) if keys else {}
        for method, function in own.items():
            if inspect.isfunction(function):
                nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))
                read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_self(node.value)}
                methods[f"{name}.{method}"] = {f"{name}.{key}" for key in read & set(keys)}
    return methods


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


KEYS = _keys()
METHODS = _methods()


@pytest.mark.parametrize("name", BODIES)
def test_a_stage_lists_what_its_code_reads(name: str) -> None:
    body = BODIES[name]
    if "params.yaml" in body["deps"]:
        return
    listed = {str(key).split(".${")[0] for key in body.get("params", [])} | ELSEWHERE.get(name, set())
    sections = {key.partition(".")[0] for key in listed}
    missing = {
        key
        for key in read_by(body) - listed
        # A section that is listed by its keys is read by these; a key counts where its section does not.
        if (key not in sections if "." not in key else key.partition(".")[0] not in listed)
    }
    assert missing == set()


def test_what_is_listed_as_had_from_elsewhere_is_read_and_not_listed() -> None:
    for name, keys in ELSEWHERE.items():
        assert keys <= read_by(BODIES[name]), name
        assert keys.isdisjoint(map(str, BODIES[name].get("params", []))), name
