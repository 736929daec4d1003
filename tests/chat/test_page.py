import os
import re
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import httpx
import pytest

from attune.chat.about import data
from attune.chat.choices import decoding_note
from attune.chat.conversations import MAX_CONVERSATIONS
from attune.chat.engine import Engine
from attune.chat.page import build, serve
from tests.chat.conftest import free_port
from tests.project import ROOT

PATIENCE = 100  # seconds, on a busy machine


def test_the_page_says_whose_text_the_models_learned_from(address: str, engine: Engine) -> None:
    shown = httpx.get(f"{address}config", timeout=PATIENCE).json()["components"]
    (learned,) = (each["props"]["value"] for each in shown if each["props"].get("elem_id") == "data")
    assert learned == data(engine.parameters, engine.artifacts)
    assert "Data: the " in learned


def test_enter_sends_a_message(engine: Engine) -> None:
    """A box of two lines or more would send on Shift+Enter alone."""
    boxes = [each for each in build(engine).blocks.values() if isinstance(each, gr.Textbox) and each.submit_btn]
    assert [each.lines for each in boxes] == [1, 1]


def test_moving_temperature_or_top_p_ends_the_choice_of_the_likeliest_token(engine: Engine) -> None:
    page = build(engine)
    events = [(*target, each) for each in page.fns.values() for target in each.targets]
    moved = {page.blocks[slider].elem_id: each for slider, event, each in events if slider and event == "input"}
    assert set(moved) == {"temperature", "top_p"}
    for handler in moved.values():
        assert [each.elem_id for each in (*handler.inputs, *handler.outputs)] == ["top_k", "top_k"]
        assert handler.fn is not None
        assert [handler.fn(top_k) for top_k in (1, 0, 30)] == [0, 0, 30]


def test_the_note_on_decoding_follows_every_setting_of_it(engine: Engine) -> None:
    page = build(engine)
    handlers = [each for each in page.fns.values() if [out.elem_id for out in each.outputs] == ["decoding-note"]]
    changed = {page.blocks[field].elem_id for each in handlers for field, event in each.targets if event == "change"}
    assert changed == {"system", "temperature", "top_k", "top_p"}
    events = [(*target, each) for each in page.fns.values() for target in each.targets]
    (own,) = (each for at, event, each in events if event == "change" and page.blocks[at].elem_id == "own")
    assert own._id in {each.trigger_after for each in handlers}  # once the sliders have the system's values
    for each in handlers:
        assert [field.elem_id for field in each.inputs] == ["system", "own", "temperature", "top_k", "top_p"]
        assert each.fn is not None
        assert each.fn("full", False, 1.5, 0, 1.0) == decoding_note(engine, "full")
        chosen = each.fn("full", True, 1.5, 0, 1.0)
        assert chosen == decoding_note(engine, "full", (1.5, 0, 1.0))
        assert " as you chose: sampling, temperature 1.5" in chosen
        assert each.fn("full", True, 0, None, 1.0) == "temperature = 0: input should be greater than 0."
        assert not each.preprocess


def test_documents_run_no_scripts_but_the_report_s_own(address: str, report: Path) -> None:
    report.write_text("<html><head></head><body><p>Hm.</p></body></html>")
    answer = httpx.get(f"{address}results/report", timeout=PATIENCE)
    assert answer.text == report.read_text()
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert re.search(r"script-src 'sha256-[^' ]+';", policy)


def test_a_model_card_is_shown_without_its_keys(address: str) -> None:
    answer = httpx.get(f"{address}cards/full", timeout=PATIENCE)
    assert "<h1>full</h1>" in answer.text
    assert "license:" not in answer.text
    for heading in ("Test scores", "Limitations", "Licence"):
        assert f"<h2>{heading}</h2>" in answer.text
    assert "color-scheme: light dark" in answer.text


def test_half_a_model_has_no_card(address: str, root: Path) -> None:
    config = root / "models/generators/full/card.json"
    kept = config.read_bytes()
    config.unlink()
    try:
        answer = httpx.get(f"{address}cards/full", timeout=PATIENCE)
    finally:
        config.write_bytes(kept)
    assert answer.status_code == 404
    assert "<p>models/generators/full holds no model" in answer.text


def test_what_is_missing_is_named_with_its_stage(address: str) -> None:
    answer = httpx.get(f"{address}results/studies", timeout=PATIENCE)
    assert answer.status_code == 404
    assert "<p>plots/studies.html is missing; `make studies` writes it</p>" in answer.text
    assert httpx.get(f"{address}cards/nobody", timeout=PATIENCE).status_code == 404


@pytest.mark.fault("files and conversations sent to Gradio's own routes", "nothing of them is written")
def test_nobody_can_write_to_the_disk(address: str) -> None:
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    before = set(folder.rglob("*"))
    file, client = {"files": ("a.txt", b"a secret")}, {"session_hash": "ann"}
    answers = [httpx.post(f"{address}gradio_api/upload", files=file, timeout=PATIENCE)]
    answers.append(httpx.get(f"{address}gradio_api/deep_link", params=client, timeout=PATIENCE))
    assert [each.status_code for each in answers] == [404, 404]
    for route, name in (("component_server", "file"), ("process_recording", "file")):
        answer = httpx.post(f"{address}gradio_api/{route}", files={name: file["files"]}, timeout=PATIENCE)
        assert answer.status_code == 413, answer.text
    assert set(folder.rglob("*")) == before


def is_forgotten(page: gr.Blocks, address: str, client: str) -> bool:
    """Whether nothing of a client stays after it has closed its page."""
    sessions = page.state_holder.session_data
    with httpx.stream("GET", f"{address}gradio_api/heartbeat/{client}", timeout=PATIENCE) as alive:
        next(alive.iter_lines())
        assert page.state_holder[client] is sessions[client]
        time.sleep(1)
    until = time.monotonic() + 15
    while client in sessions and time.monotonic() < until:
        time.sleep(0.05)
    return client not in sessions


@pytest.mark.fault("a page closed in the middle", "nothing of it stays in memory")
def test_a_closed_page_leaves_nothing_on_the_server(served: tuple[gr.Blocks, str]) -> None:
    # Gradio misses a client that leaves while a beat is sent, which on a busy machine can take longer than a second.
    assert any(is_forgotten(*served, client) for client in ("first", "second", "third"))


def test_as_many_clients_are_remembered_as_is_said(served: tuple[gr.Blocks, str]) -> None:
    assert served[0].state_holder.capacity == MAX_CONVERSATIONS
    for page in ("SECURITY.md", "docs/chat.md"):
        assert f"{MAX_CONVERSATIONS} other clients" in (ROOT / page).read_text()


BROKEN = {
    **dict.fromkeys(("GRADIO_NUM_PORTS", "GRADIO_SHARE", "GRADIO_SSR_MODE"), "x"),
    **dict.fromkeys(("GRADIO_TEMP_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME", "TMPDIR"), "/dev/null/x"),
    **dict.fromkeys(("all_proxy", "ALL_PROXY"), "socks5h://127.0.0.1:9"),
    "GRADIO_ALLOWED_PATHS": "/",
}
# What Gradio would read, once it is imported as the page imports it.
IMPORTED = """
from attune.chat.gradio_settings import prepare
prepare()
import os, gradio
page = gradio.Blocks()
print(os.environ.get("GRADIO_ALLOWED_PATHS"), os.access(os.environ["GRADIO_TEMP_DIR"], os.W_OK))
"""


@pytest.mark.fault("a shell's settings for Gradio, certificates and folders that are none", "the page's own settings")
def test_a_shell_s_settings_do_not_keep_the_page_from_opening() -> None:
    environment = os.environ | BROKEN | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", IMPORTED], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "None True\n"), done.stderr


SERVED = """
import sys
from pathlib import Path
from attune.chat.engine import Engine
from attune.chat.gradio_settings import prepare
prepare()
from attune.chat.page import build, serve
engine = Engine.from_root(Path(sys.argv[1]))
engine.preload = lambda: None  # torch takes seconds to import
serve(engine, "127.0.0.1", int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.fault("SIGTERM while the page is served", "its temporary folder is deleted")
def test_a_page_that_is_ended_leaves_no_folder(root: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", SERVED, str(root), str(free_port())]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert "Attune's page is at" in process.stdout.readline()
        assert list(tmp_path.glob("attune-page-*"))
        process.terminate()
    assert process.returncode == 0
    assert not list(tmp_path.glob("attune-page-*"))


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
@pytest.mark.fault("a proxy that does not answer, for the page", "it opens")
def test_the_page_opens_behind_proxies_that_do_not_answer(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, host: str
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.setenv("GRADIO_SHARE", "true")
    page, address = serve(engine, host, free_port(), wait=False)
    try:
        assert httpx.get(address, verify=False, timeout=PATIENCE).status_code == 200
        assert page.share_url is None
    finally:
        page.close()
