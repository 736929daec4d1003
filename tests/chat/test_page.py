import time
from pathlib import Path

import gradio as gr
import httpx
import pytest

from attune.chat.artifacts import Artifacts
from attune.chat.engine import Engine
from attune.chat.page import embedded, serve
from tests.chat.conftest import free_port


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


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
def test_the_page_opens_behind_proxies_that_do_not_answer(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, host: str
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.setenv("GRADIO_SHARE", "true")
    page, address = serve(engine, host, free_port(), wait=False)
    try:
        assert httpx.get(address, verify=False).status_code == 200
        assert page.share_url is None
    finally:
        page.close()
