import re

from attune.report import html as report


def test_text_is_shown_and_never_run() -> None:
    html = report.page("t", [("<b>", report.table([{"reply": "<script>alert(1)</script>", "n": 0.5, "none": None}]))])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert '<td class="number">0.500</td>' in html


def test_nothing_is_fetched_from_anywhere() -> None:
    html = report.page("t", [("f", report.figure("mrr", b"\x89PNG", "caption"))])
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["#s0", "data:image/png;base64,iVBORw=="]
    assert "http" not in html


def test_prompts_stand_beside_what_each_system_replied() -> None:
    rows = [
        {"id": "c/1", "prompt": "I won!", "target": "Great.", "system": "a", "reply": "Oh."},
        {"id": "c/3", "prompt": "Hm.", "target": "What?", "system": "a", "reply": None},
        {"id": "c/1", "prompt": "I won!", "target": "Great.", "system": "a+rag", "reply": ""},
    ]
    found = report.side_by_side(rows)
    assert found == [{"id": "c/1", "prompt": "I won!", "target": "Great.", "a": "Oh.", "a+rag": ""}]
    assert "<td>a+rag</td><td></td>" in report.replies(found, 5)


def test_the_versions_are_those_installed() -> None:
    import torch

    assert {"package": "torch", "version": torch.__version__.split("+")[0]} in [
        {**row, "version": row["version"].split("+")[0]} for row in report.environment()
    ]
