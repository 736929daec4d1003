import time
from pathlib import Path

import gradio as gr
import httpx

from attune.chat.artifacts import Artifacts
from attune.chat.page import embedded


def test_an_embedded_page_runs_no_scripts(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/report.html").write_text('<p class="x">&amp;</p>')
    assert embedded(Artifacts(tmp_path).report) == (
        '<iframe sandbox="" title="report" srcdoc="&lt;p class=&quot;x&quot;&gt;&amp;amp;&lt;/p&gt;"></iframe>'
    )


def test_a_missing_page_is_named_with_its_stage(tmp_path: Path) -> None:
    assert "dvc repro report" in embedded(Artifacts(tmp_path).report)


def test_a_closed_page_leaves_nothing_on_the_server(served: tuple[gr.Blocks, str]) -> None:
    page, address = served
    sessions = page.state_holder.session_data
    with httpx.stream("GET", f"{address}gradio_api/heartbeat/somebody") as alive:
        next(alive.iter_lines())
        assert page.state_holder["somebody"] is sessions["somebody"]
    until = time.monotonic() + 60
    while "somebody" in sessions and time.monotonic() < until:
        time.sleep(0.05)
    assert "somebody" not in sessions
