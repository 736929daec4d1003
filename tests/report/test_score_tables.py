import re
from dataclasses import replace
from typing import Any

from attune.evaluation.tables import tidy
from attune.report.differences import Difference
from attune.report.score_tables import difference_tables, score_table

PLACES = ["subset", "model"]
SYSTEMS = {
    "a": {"perplexity": 20.0, "perplexity_low": 18.0, "perplexity_high": 23.0, "similarity": 0.5},
    "targets": {"similarity": 1.0},
    "b": {"perplexity": 10.0, "similarity": 0.25},
}


def rows(table: str) -> list[str]:
    return re.findall(r'<tr><th scope="row">(.*?)</th>', table)


def test_the_best_stands_first_and_each_score_s_best_is_bold() -> None:
    table = score_table(tidy(SYSTEMS, ["system"]), ("perplexity", "similarity", "bleu"), str.upper, ["targets"])
    assert rows(table) == ["B", "A", "TARGETS"]
    assert "Perplexity ↓" in table
    assert "BLEU" not in table  # no system has it
    assert re.findall(r"<b>(.*?)</b>", table) == ["10.0", "0.500"]
    assert '<td class="number" data-value="20">20.0 <span class="interval">18.0–23.0</span></td>' in table


def test_an_interval_without_width_is_not_shown() -> None:
    """The true replies' similarity to themselves, or trigrams of which no reply repeats any."""
    same = {"similarity": 1.0, "similarity_low": 1.0, "similarity_high": 1.0}
    assert "interval" not in score_table(tidy({"targets": same}, ["system"]), ("similarity",), str)


def test_an_interval_below_zero_is_not_read_as_a_difference() -> None:
    shown = {"similarity": -0.01, "similarity_low": -0.031, "similarity_high": -0.001}
    table = score_table(tidy({"a": shown}, ["system"]), ("similarity",), str)
    assert '>−0.010 <span class="interval">−0.031 to −0.001</span>' in table


def test_an_interval_that_rounding_leaves_no_width_is_not_shown() -> None:
    shown = {"replies_truncated": 0.001, "replies_truncated_low": 0.0, "replies_truncated_high": 0.002}
    assert "interval" not in score_table(tidy({"a": shown}, ["system"]), ("replies_truncated",), str)


def test_rows_of_single_domains_are_called_so() -> None:
    table = score_table(tidy({"happy": {"mrr": 0.25}}, ["domain"]), ("mrr",), str)
    assert '<th scope="col">Domain</th>' in table
    assert "System" not in table


def test_groups_have_a_best_each_where_two_compete() -> None:
    small = {"x": {"mrr": 0.2}, "ideal": {"mrr": 0.9}}
    scores = tidy({"large": {"x": {"mrr": 0.1}, "y": {"mrr": 0.3}, "ideal": {"mrr": 0.8}}, "small": small}, PLACES)
    table = score_table(scores, ("mrr",), str, ["ideal"])
    assert rows(table) == ["y", "x", "ideal", "x", "ideal"]
    assert re.findall(r"<b>(.*?)</b>", table) == ["0.300"]


def compared(family: str, after: str, **test: float) -> Difference:
    known: dict[str, Any] = {"low": 0.01, "high": 0.2, "p": 0.001, "p_holm": 0.01, "effect": 0.5} | test
    return Difference(family, "base of a", after, "mrr", 0.1, **known)


def test_each_family_has_a_table_and_what_does_not_differ_is_folded() -> None:
    found = [
        compared("first", "a"),
        compared("first", "b", p_holm=0.5),
        *(compared("second", f"s{at}", effect=at) for at in range(7)),
    ]
    page = difference_tables(found, str)
    summaries = ["First: 1 of 2 differ", "1 without a clear difference", "Second: 7 of 7 differ"]
    assert re.findall(r"<summary>(.*?)</summary>", page) == summaries
    shown, *folded = page.split("<details>")
    # The largest effect of each family, largest first.
    assert rows(shown) == ["s6 against base of a", "a against its base model"]
    assert [rows(each) for each in folded[:2]] == [["a against its base model"], ["b against base of a"]]
    assert rows(folded[2]) == [f"s{at} against base of a" for at in reversed(range(7))]
    assert '<span class="better">better</span>' in page
    assert ">no difference after correction<" in page


def test_comparisons_of_single_domains_are_folded() -> None:
    page = difference_tables([replace(compared("first by domain", "b"), domain="happy")], str)
    assert page.startswith("<details><summary>First by domain: 1 of 1 differ</summary>")
