"""The page in headless Chromium: the installed one, or the one that CHROMIUM names."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from attune.chat.answers import Answer
from attune.chat.engine import Engine
from tests.chat.tiny_pipeline import SAMPLING, SYSTEMS

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
expect.set_options(timeout=30_000)  # models are loaded meanwhile
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium; `apt-get install chromium`, or name one in CHROMIUM")


@pytest.fixture
def outside() -> list[str]:
    """The addresses outside the server that the page requested."""
    return []


@pytest.fixture
def page(address: str, outside: list[str]) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.on("request", lambda request: None if _own(request.url, address) else outside.append(request.url))
        page.goto(address)
        yield page
        browser.close()
    assert outside == []


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:", "about:"))


def choose(page: Page, system: str) -> None:
    page.locator("#system input").click()
    page.get_by_role("option").filter(has_text=f"{system}:").click()


def send(page: Page, message: str) -> None:
    page.locator("#message textarea").fill(message)
    page.locator("#send").click()


def replied(page: Page, count: int) -> None:
    """The conversation has `count` complete replies."""
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(count)
    expect(page.locator("#status")).not_to_contain_text("...")


def test_a_conversation_with_several_systems(page: Page) -> None:
    expect(page.locator("body")).to_contain_text("not a crisis line")
    choose(page, "full")
    send(page, "I am sad today.")
    replied(page, 1)
    first = page.locator("#chat [data-testid=bot]").inner_text()
    assert first.strip()
    page.locator("#retry").click()
    expect(page.locator("#chat [data-testid=bot]")).not_to_have_text(first)
    replied(page, 1)
    choose(page, "cobert")
    send(page, "My cat ran away.")
    replied(page, 2)
    page.get_by_text("What was retrieved").click()
    expect(page.locator("#retrieved tbody tr")).to_have_count(5)
    expect(page.locator("#chat [data-testid=user]")).to_have_text(["I am sad today.", "My cat ran away."])
    page.locator("#clear").click()
    expect(page.locator("#chat [data-testid=user]")).to_have_count(0)


def test_an_example_is_answered_by_a_system_of_its_kind(page: Page) -> None:
    expect(page.locator("#system")).to_contain_text("full decodes as params.yaml says")
    page.get_by_text("How to keep healthy?").click()
    replied(page, 1)
    expect(page.locator("#status")).to_contain_text("lora_openorca")
    expect(page.locator("#system")).to_contain_text("lora_openorca decodes as params.yaml says")
    page.locator("#clear").click()
    page.get_by_text("I had such a hard day").click()
    replied(page, 1)
    expect(page.locator("#status")).to_contain_text("full")
    expect(page.locator("#message textarea")).to_have_value("")


def test_the_decoding_can_be_changed(page: Page) -> None:
    page.get_by_text("Persona and decoding").click()
    expect(page.locator("#temperature")).to_be_hidden()
    page.locator("#own input").check()
    expect(page.locator("#temperature input[type=number]")).to_have_value("0.9")
    replies = []
    for top_k in ("30", "1"):
        page.locator("#top_k input[type=number]").fill(top_k)
        page.locator("#top_k input[type=number]").press("Tab")
        send(page, "I am sad today.")
        replied(page, 1)
        replies.append(page.locator("#chat [data-testid=bot]").inner_text())
        page.locator("#clear").click()
        expect(page.locator("#chat [data-testid=user]")).to_have_count(0)
    assert replies[0] != replies[1]


def test_the_persona_can_be_edited(page: Page) -> None:
    choose(page, "rag+persona_rag")
    page.get_by_text("Persona and decoding").click()
    page.get_by_text("What was retrieved").click()
    scores = []
    for persona in ("i love apples .", "i love dogs .\ni am old ."):
        page.locator("#persona textarea").fill(persona)
        send(page, "I am sad today.")
        replied(page, 1)
        expect(page.locator("#retrieved tbody tr")).to_have_count(2)
        scores.append(page.locator("#retrieved td.number").all_inner_texts())
        page.locator("#clear").click()
        expect(page.locator("#chat [data-testid=user]")).to_have_count(0)
    assert len(scores[0]) == len(scores[1]) == 2
    assert scores[0] != scores[1]


def test_text_is_shown_as_text(page: Page) -> None:
    choose(page, "full")
    texts = [
        "<script>document.title='x'</script>",
        "**bold** `code` [a](http://b.c)",
        "שלום 😀",
        "'; DROP TABLE x; --",
        "$$x^2$$",
    ]
    for at, text in enumerate(texts):
        send(page, text)
        replied(page, at + 1)
    assert [text.strip() for text in page.locator("#chat [data-testid=user]").all_inner_texts()] == texts
    assert page.title() == "Attune"
    assert page.locator("#chat a, #chat strong, #chat code").count() == 0
    send(page, "  ")
    expect(page.locator("#status")).to_contain_text("There is nothing in the message")


def test_the_crisis_message_is_shown_beside_the_reply(page: Page) -> None:
    choose(page, "full")
    send(page, "I want to kill myself")
    expect(page.locator("#crisis")).to_contain_text("findahelpline.com")
    replied(page, 1)
    send(page, "I am glad today.")
    expect(page.locator("#crisis")).to_be_hidden()
    replied(page, 2)


def test_a_reply_can_be_stopped_while_the_next_message_is_being_typed(
    page: Page, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: object) -> AsyncIterator[Answer]:
        """Real replies, again and again, none of which ends."""
        for at in range(10_000):
            async for answer in real("full", [f"I am sad {at}."], (), SAMPLING):
                if answer.text and not answer.done:
                    yield answer

    real = engine.reply_async
    monkeypatch.setattr(engine, "reply_async", slow)
    send(page, "Never stop.")
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(1)
    page.locator("#message textarea").fill("What I write meanwhile")
    page.wait_for_timeout(500)
    expect(page.locator("#message textarea")).to_have_value("What I write meanwhile")
    page.locator("#stop").click()
    expect(page.locator("#status")).to_have_text("stopped")
    monkeypatch.undo()
    choose(page, "full")
    page.locator("#send").click()
    replied(page, 2)
    expect(page.locator("#chat [data-testid=user]")).to_have_text(["Never stop.", "What I write meanwhile"])


def test_the_comparison_shows_all_systems(page: Page) -> None:
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-message textarea").fill("My <b>cat</b> ran away.")
    page.locator("#compare-send").click()
    expect(page.locator("#compare-status")).to_have_text(f"{len(SYSTEMS)} systems")
    expect(page.locator("#compare-replies tbody tr")).to_have_count(len(SYSTEMS))


def test_the_results_tab_shows_the_report(page: Page, root: Path) -> None:
    page.get_by_role("tab", name="Results").click()
    expect(page.locator("#results")).to_contain_text("dvc repro report")
    (root / "plots").mkdir(exist_ok=True)
    (root / "plots" / "report.html").write_text("<h1>Attune: report</h1><script>parent.document.title='x'</script>")
    page.get_by_role("tab", name="Chat").click()
    page.get_by_role("tab", name="Results").click()
    expect(page.frame_locator("#results iframe").locator("h1")).to_have_text("Attune: report")
    assert page.title() == "Attune"
