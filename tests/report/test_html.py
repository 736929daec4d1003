import re

import pandas as pd

from attune.report import html


def test_text_is_shown_and_never_run() -> None:
    row = {"reply": "<script>alert(1)</script>", "n": 0.5, "none": None}
    page = html.page("t", [("<b>", html.table(pd.DataFrame([row])))])
    assert page.count("<script>") == 1  # the page's own
    assert "&lt;script&gt;" in page
    assert '<td class="number">0.500</td>' in page


def test_whole_numbers_stay_whole_and_missing_values_are_empty() -> None:
    table = html.table(pd.DataFrame({"count": [3, 4], "score": [0.25, None], "name": ["a", None]}))
    assert '<tr><td class="number">4</td><td class="number"></td><td></td></tr>' in table
    assert html.table(pd.DataFrame()) == "<p>none</p>"


def test_nothing_is_fetched_from_anywhere() -> None:
    page = html.page("t", [("f", html.figure("mrr", b"\x89PNG", "caption"))])
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["#f", "data:image/png;base64,iVBORw=="]
    assert "http" not in page


def test_a_cell_stands_as_it_is_and_is_sorted_by_its_number() -> None:
    table = html.table(pd.DataFrame({"Score": [html.Cell("<b>0.5</b>", 0.5), html.Cell("")]}))
    assert '<td class="number" data-value="0.5"><b>0.5</b></td>' in table
    assert '<td class="number"></td>' in table


def test_text_in_the_first_column_names_its_row() -> None:
    table = html.table(pd.DataFrame({"System": [html.Cell("<b>a</b>"), ""], "Reply": ["Hm.", "Oh."]}))
    rows = ['<tr><th scope="row"><b>a</b></th><td>Hm.</td></tr>', "<tr><td></td><td>Oh.</td></tr>"]
    assert table.partition("<tbody>")[2].splitlines()[:2] == rows


def test_a_column_without_a_name_has_no_heading_to_sort_by() -> None:
    table = html.table(pd.DataFrame({"": ["True reply"], "Reply": ["Hm."]}))
    assert '<thead><tr><td></td><th scope="col">Reply</th></tr></thead>' in table


def test_a_table_is_named_after_the_innermost_part_that_it_stands_in() -> None:
    table = html.table(pd.DataFrame({"a": [1]}))
    page = html.page("t", [("Scores", table + html.folded("Each <domain>", table))])
    assert re.findall('role="group" aria-label="([^"]*)"', page) == ["Scores", "Each &lt;domain&gt;"]


def test_a_picture_is_called_by_the_first_sentence_of_its_caption() -> None:
    assert '<img alt="MRR by epoch" src' in html.figure("mrr", b"", "MRR by epoch. Star: the best")


def test_names_in_backticks_are_code() -> None:
    assert html.about("`make a` <b>") == '<p class="about"><code>make a</code> &lt;b&gt;</p>'
    assert html.bullets(["see `b`"]) == "<ul><li>see <code>b</code></li>\n</ul>"


def test_every_section_is_linked_to() -> None:
    page = html.page("t", [("Do passages help?", "a"), ("Data, parameters", "b")])
    anchors = re.findall(r'<h2 id="([^"]*)"', page)
    assert anchors == ["do-passages-help", "data-parameters"] == re.findall(r'<a href="#([^"]*)"', page)
