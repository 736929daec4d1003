"""The pages about speed say what benchmarks/results/*.json hold."""

import pytest

from attune.core.files import read_json
from benchmarks.cobert import CONTEXT, PERSONA, RESPONSE
from benchmarks.harness import RESULTS
from benchmarks.tables import BLOCKS, DOCS, filled
from tests.project import read

PAGE = " ".join((DOCS / "benchmarks.md").read_text(encoding="utf-8").split())


@pytest.mark.usefixtures("committed_results")
@pytest.mark.parametrize("page", BLOCKS)
def test_the_tables_are_those_of_the_results(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert filled(page, text) == text, "run `python -m benchmarks.tables`"


def test_a_page_without_a_block_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"docs/scale\.md has 0 blocks `table: machine`, not one"):
        filled("scale.md", "# Scale\n")


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_search_is_in_its_table() -> None:
    rows = {(row["vectors"], row["index"]): row for row in read_json(RESULTS / "search.json")["rows"]}
    largest, limit = max(count for count, _ in rows), read()["index"]["exact_up_to"]
    slow, at_limit, fast = (
        1000 / rows[key]["queries_per_s"] for key in ((largest, "exact"), (limit, "exact"), (largest, "HNSW"))
    )
    assert f"where a query takes some {at_limit:.0f} ms" in PAGE
    assert f"take half a millisecond also among a million vectors, where exact search takes {slow:.0f} ms" in PAGE
    assert (largest, round(fast, 1)) == (1_000_000, 0.5)
    assert f"A million take it {rows[largest, 'HNSW']['build_s'] / 60:.0f} minutes to build" in PAGE
    assert "needs a twelfth or less of exact search's memory from 100,000 vectors on, but loses a third to half" in PAGE
    large = [(rows[count, "exact"], rows[count, "IVF-PQ"]) for count in (100_000, largest)]
    assert [round(exact["mib"] / compressed["mib"]) >= 12 for exact, compressed in large] == [True, True]
    assert [1 - compressed["recall"] for _, compressed in large] == pytest.approx([1 / 3, 1 / 2], abs=0.02)


def test_what_is_said_of_the_lengths_is_what_is_drawn() -> None:
    (context, _), (longer, _) = CONTEXT[128], CONTEXT[256]
    assert (
        f"context {context} tokens of at most 128, or {longer} of 256; reply {RESPONSE[0]} of {RESPONSE[1]}; "
        f"persona {PERSONA[0]} of {PERSONA[1]}"
    ) in PAGE
    short, long = (
        sum(mean for mean, _ in shapes) / sum(longest for _, longest in shapes)
        for shapes in ((each, PERSONA, RESPONSE) for each in CONTEXT.values())
    )
    assert (
        f"{100 * short:.0f} % of the padded tokens are real at 128 and {100 * long:.0f} % at 256, so skipping the "
        f"rest speeds up those of the encoder at most {1 / short:.1f} and {1 / long:.1f} times"
    ) in PAGE
