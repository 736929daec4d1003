"""docs/reproducibility.md answers every item of both checklists by what exists; CITATION.cff is the project's."""

import importlib.util
import re
import tomllib

import pytest
from ruamel.yaml import YAML

from tests.project import ROOT

PAGE = (ROOT / "docs" / "reproducibility.md").read_text()
ROWS = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in re.findall(r"(?m)^\| [A-E\d].*", PAGE)]
ARR = ["A1", "A2", *(f"B{at}" for at in range(1, 7)), *(f"C{at}" for at in range(1, 5))]
ARR += [*(f"D{at}" for at in range(1, 6)), "E1"]
WRITTEN = re.compile(r"(?:data|metrics|plots|models)/")


def exists(answer: str) -> bool:
    """Whether a path is in the repository or an output of the pipeline, or a command's module or target exists."""
    if answer.startswith("python -m "):
        return importlib.util.find_spec(answer.split()[2]) is not None
    if answer.startswith("make "):
        return re.search(rf"(?m)^{answer.split()[1]}:", (ROOT / "Makefile").read_text()) is not None
    if answer.startswith("git diff "):
        return all((ROOT / name).is_dir() for name in answer.split()[2:])
    return (ROOT / answer).exists() or (bool(WRITTEN.match(answer)) and answer in (ROOT / "dvc.yaml").read_text())


def test_every_item_of_both_checklists_has_a_row() -> None:
    assert [item for item, *_ in ROWS] == [*ARR, *map(str, range(1, 17))]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_answer_is_a_path_or_a_command_that_exists(row: tuple[str, ...]) -> None:
    _, question, answer = row
    assert question
    named = [each for each in re.findall(r"`([^`]+)`", answer) if re.search(r"[/. ]", each) or each.isupper()]
    assert named, answer
    for each in named:
        assert exists(each), each


def test_the_citation_is_complete_and_of_this_version() -> None:
    """The fields that the schema of the Citation File Format 1.2.0 requires, and what they must agree with."""
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"].startswith("Attune")
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["date-released"].isoformat() in (ROOT / "CITATION.cff").read_text()
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= reference.keys()
