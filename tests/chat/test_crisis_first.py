"""The crisis message waits for nobody: here every other reply waits, in the models' thread or for a place."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import httpx
import pytest
from playwright.sync_api import expect

from attune.chat.answers import Question
from attune.chat.artifacts import Artifacts
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.events import MAX_CONCURRENT_REPLIES
from attune.chat.page import serve
from attune.parameters import load
from tests.chat.browser import launched, needs_chromium, opened, replied, send
from tests.chat.conftest import free_port
from tests.chat.test_connections import BODY, MORE, asking

HARM = "I want to die"
PATIENCE = 20  # seconds
PEOPLE = MAX_CONCURRENT_REPLIES + 40  # Gradio alone would begin 40 events


@pytest.fixture(scope="module")
def engine(root: Path) -> Engine:
    """One of this module's own, as its server: the requests that are left behind stand in nobody's way."""
    return Engine(load(root / "params.yaml"), Artifacts(root))


@pytest.fixture(scope="module")
def served(engine: Engine) -> Iterator[tuple[gr.Blocks, str]]:
    page, address = serve(engine, "127.0.0.1", free_port(), wait=False)
    yield page, address
    page.close()


@pytest.fixture(scope="module")
def address(served: tuple[gr.Blocks, str]) -> str:
    return served[1]


@pytest.fixture
def _busy(engine: Engine) -> Iterator[None]:
    """No model writes meanwhile."""
    released = Event()
    held = engine._thread.submit(released.wait)
    yield
    released.set()
    held.result()


@pytest.mark.usefixtures("_busy")
@pytest.mark.fault("a message that speaks of harm while all models are busy", "the crisis message, at once")
@pytest.mark.timeout(PATIENCE, func_only=True)
def test_it_does_not_wait_for_the_models(engine: Engine) -> None:
    (answer,) = engine.reply("full", Question([HARM], (), engine.decoding("full")))
    assert answer.text == crisis_message(HARM)


@pytest.mark.usefixtures("_busy")
@pytest.mark.parametrize("stream", [False, True])
def test_it_does_not_wait_for_a_place_of_the_api(address: str, stream: bool) -> None:
    body = BODY | {"messages": [{"role": "user", "content": HARM}], "stream": stream}
    with ExitStack() as others:
        for _ in range(MORE):
            others.enter_context(asking(address))
        answer = httpx.post(f"{address}v1/chat/completions", json=body, timeout=PATIENCE)
    assert json.dumps(crisis_message(HARM)) in answer.text


@pytest.mark.usefixtures("_busy")
def test_it_does_not_wait_for_a_place_of_the_endpoint(address: str) -> None:
    def call(message: str) -> str:
        values: list[Any] = [message, "full", [], [], None, None, None, 0]
        asked = client.post(f"{address}gradio_api/call/reply", json={"data": values})
        return f"{address}gradio_api/call/reply/{asked.json()['event_id']}"

    with httpx.Client(timeout=PATIENCE) as client:  # each reads all certificates, which takes as long as a request
        for _ in range(PEOPLE):
            call("My cat ran away.")
        assert json.dumps(crisis_message(HARM)) in client.get(call(HARM)).text


def crowd(blocks: gr.Blocks, address: str) -> None:
    """More people write on pages of their own than can be answered at once."""
    (event,) = [number for number, each in blocks.fns.items() if each.name == "send" and each.targets[0][1] == "submit"]
    with httpx.Client(timeout=PATIENCE) as client:
        for person in range(PEOPLE):
            values = ["My cat ran away.", "full", "", False, 1, 0, 1]
            asked = {"data": values, "fn_index": event, "session_hash": f"person{person}"}
            client.post(f"{address}gradio_api/queue/join", json=asked).raise_for_status()


@needs_chromium
@pytest.mark.parametrize(("box", "shown"), [("#message", "#crisis"), ("#compare-message", "#compare-crisis")])
def test_it_does_not_wait_for_a_place_of_the_page(
    served: tuple[gr.Blocks, str], box: str, shown: str, request: pytest.FixtureRequest
) -> None:
    blocks, address = served
    with launched() as browser, opened(browser, address) as page:
        if box == "#compare-message":
            page.get_by_role("tab", name="Compare").click()
        request.getfixturevalue("_busy")
        crowd(blocks, address)
        page.locator(f"{box} textarea").fill(HARM)
        page.locator(f"{box} textarea").press("Enter")
        expect(page.locator(shown)).to_contain_text("findahelpline.com", timeout=1000 * PATIENCE)
        if box == "#message":
            expect(page.locator("#chat [data-testid=user]")).to_have_text([HARM])
            expect(page.locator("#message textarea")).to_have_value("")


@needs_chromium
@pytest.mark.parametrize("by", ["message", "opening", "retry"])
def test_what_waits_for_a_place_of_the_page_says_so(
    served: tuple[gr.Blocks, str], by: str, request: pytest.FixtureRequest
) -> None:
    with launched() as browser, opened(browser, served[1]) as page:
        if by == "retry":
            send(page, "I am sad today.")
            replied(page, 1)
        request.getfixturevalue("_busy")
        crowd(*served)
        if by == "message":
            send(page, "I am sad today.")
        else:
            page.locator("#retry" if by == "retry" else ".opening >> nth=0").click()
        expect(page.locator("#status")).to_contain_text("is waiting for its turn ...", timeout=1000 * PATIENCE)
