import re

import pandas as pd

from attune.report import html


def test_text_is_shown_and_never_run() -> None:
    row = {"reply": "<script>alert(1)</script>", "n": 0.5, "none": None}
    page = html.page("t", [("<b>", html.table(pd.DataFrame([row])))])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert '<td class="number">0.500</td>' in page


def test_whole_numbers_stay_whole_and_missing_values_are_empty() -> None:
    table = html.table(pd.DataFrame({"count": [3, 4], "score": [0.25, None], "name": ["a", None]}))
    assert '<tr><td class="number">4</td><td class="number"></td><td></td></tr>' in table
    assert html.table(pd.DataFrame()) == "<p>none</p>"


def test_nothing_is_fetched_from_anywhere() -> None:
    page = html.page("t", [("f", html.figure("mrr", b"\x89PNG", "caption"))])
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["#s0", "data:image/png;base64,iVBORw=="]
    assert "http" not in page
