"""The pages about speed say what benchmarks/results/*.json hold."""

import pytest

from attune.core.files import read_json
from benchmarks.harness import RESULTS
from benchmarks.tables import BLOCKS, DOCS, filled


@pytest.mark.parametrize("page", BLOCKS)
def test_the_tables_are_those_of_the_results(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert filled(page, text) == text, "run `python -m benchmarks.tables`"


def test_a_page_without_a_block_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"docs/scale\.md has 0 blocks `table: machine`, not one"):
        filled("scale.md", "# Scale\n")


@pytest.mark.parametrize("name", ["cobert", "generators", "embedding"])
def test_every_ratio_lies_between_its_rounds_and_has_a_machine(name: str) -> None:
    result = read_json(RESULTS / f"{name}.json")
    assert {"cpu", "cores", "memory_gib", "threads"} <= result["machine"].keys()
    assert result["rows"]
    for row in result["rows"]:
        assert row["lowest"] <= row["times_faster"] <= row["highest"]
