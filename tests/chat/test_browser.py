"""What the page does, in headless Chromium; tests/chat/browser.py finds it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from threading import Event
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from attune.chat.answers import Answer, Question
from attune.chat.engine import Engine
from attune.chat.rendering import NO_REPLY
from tests.chat.browser import PHONE, SMALL_PHONE, accessible, choose, fits, lowest, needs_chromium, replied, send
from tests.chat.tiny_pipeline import SAMPLING, SYSTEMS

pytestmark = needs_chromium


def test_a_conversation_with_several_systems(page: Page) -> None:
    expect(page.locator("body")).to_contain_text("not a crisis line")
    choose(page, "full")
    send(page, "I am sad today.")
    replied(page, 1)
    expect(page.locator("#chat .by")).to_have_text(re.compile(r"Full fine-tuning · \d+\.\d s"))
    first = page.locator("#chat [data-testid=bot]").inner_text()
    page.locator("#retry").click()
    expect(page.locator("#chat [data-testid=bot]")).not_to_have_text(first)
    replied(page, 1)
    choose(page, "cobert")
    send(page, "My cat ran away.")
    replied(page, 2)
    page.get_by_text("What was retrieved").click()
    expect(page.locator("#retrieved tbody tr")).to_have_count(5)
    page.set_viewport_size(PHONE)  # on which the conversation scrolls
    accessible(page)
    assert fits(page, PHONE["width"])
    expect(page.locator("#chat [data-testid=user]")).to_have_text(["I am sad today.", "My cat ran away."])
    page.locator("#clear").click()
    expect(page.locator("#chat [data-testid=user]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_fits_a_phone_and_is_accessible(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    page.reload()
    expect(page.locator(".opening")).to_have_count(4)
    expect(page.locator(".persona")).to_have_count(3)
    assert lowest(page, "#message textarea") < lowest(page, ".persona >> nth=2") < PHONE["height"]
    assert fits(page, PHONE["width"])
    accessible(page)


def test_shift_and_enter_break_the_line(page: Page) -> None:
    page.locator("#message textarea").fill("One")
    page.locator("#message textarea").press("Shift+Enter")
    expect(page.locator("#message textarea")).to_have_value("One\n")
    expect(page.locator("#chat [data-testid=user]")).to_have_count(0)


def test_an_example_is_answered_by_a_system_of_its_kind(page: Page) -> None:
    page.get_by_role("button", name="How to keep healthy?").click()
    replied(page, 1)
    expect(page.locator("#chat .by")).to_contain_text("LoRA on OpenOrca")
    page.get_by_role("button", name="Decoding").click()
    expect(page.locator("#decoding-note")).to_contain_text("LoRA on OpenOrca decodes as params.yaml says")
    page.locator("#clear").click()
    page.get_by_role("button", name="I had such a hard day").click()
    replied(page, 1)
    expect(page.locator("#chat .by")).to_contain_text("Full fine-tuning")
    expect(page.locator("#message textarea")).to_have_value("")


def test_the_decoding_can_be_changed(page: Page) -> None:
    page.get_by_role("button", name="Decoding").click()
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
    choose(page, "full")
    expect(page.locator("#persona")).to_contain_text("Not read by Full fine-tuning, but by CoBERT's retrieval, ")
    choose(page, "rag+persona_rag")
    expect(page.locator("#persona")).to_contain_text("Read by CoBERT, at most ")
    scores = []
    persona = page.locator("#persona textarea")
    before = persona.input_value()
    page.get_by_role("button", name="Dog owner").click()
    expect(persona).not_to_have_value(before)
    for edited in (persona.input_value(), "you you you you you you you you\nyou you you you you you you"):
        persona.fill(edited)
        send(page, "I am sad today.")
        replied(page, 1)
        if not scores:
            page.get_by_text("What was retrieved").click()
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


def test_the_crisis_message_is_shown_in_place_of_a_reply(page: Page) -> None:
    choose(page, "full")
    send(page, "I want to kill myself")
    expect(page.locator("#crisis")).to_contain_text("findahelpline.com")
    page.wait_for_timeout(500)  # what is still under way changes no more
    assert page.locator("#status").inner_text() == NO_REPLY
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(0)
    send(page, "I am glad today.")
    expect(page.locator("#crisis")).to_be_hidden()
    replied(page, 1)


@pytest.mark.parametrize(
    ("tab", "box", "shown"),
    [
        ("Chat", "#message", "#crisis"),
        ("Compare", "#compare-message", "#compare-crisis"),
    ],
)
def test_the_whole_crisis_message_is_on_a_phone_s_screen(page: Page, tab: str, box: str, shown: str) -> None:
    page.set_viewport_size(SMALL_PHONE)
    page.get_by_role("tab", name=tab).click()
    page.locator(f"{box} textarea").fill("I want to kill myself")
    page.locator(f"{box} textarea").press("Enter")
    expect(page.locator(shown)).to_be_in_viewport(ratio=1, timeout=20_000)


def test_a_message_is_taken_while_an_interrupted_reply_lasts_which_then_changes_nothing(
    page: Page, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lasting(name: str, question: Question) -> AsyncIterator[Answer]:
        """Real replies, but that to the first message goes on until `released`."""
        async for answer in real(name, question):
            while answer.text and len(question.turns) == 1 and not released.is_set():
                yield replace(answer, done=False)
                await asyncio.to_thread(released.wait, 60)
            yield answer

    real, released = engine.reply_async, Event()
    monkeypatch.setattr(engine, "reply_async", lasting)
    choose(page, "full")
    said = ["Never stop.", "I want to kill myself", "I am glad today."]
    send(page, said[0])
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(1)
    send(page, said[1])
    expect(page.locator("#crisis")).to_be_visible()
    send(page, said[2])
    users = page.locator("#chat [data-testid=user]")
    expect(users).to_have_text(said, timeout=20_000)
    replied(page, 2)
    released.set()
    page.wait_for_timeout(2000)  # the interrupted reply ends
    replied(page, 2)
    expect(users).to_have_text(said)


def test_a_reply_can_be_stopped_while_the_next_message_is_being_typed(
    page: Page, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: object) -> AsyncIterator[Answer]:
        """Real replies, again and again, none of which ends."""
        for at in range(10_000):
            async for answer in real("full", Question([f"I am sad {at}."], (), SAMPLING)):
                if answer.text and not answer.done:
                    yield answer

    real = engine.reply_async
    monkeypatch.setattr(engine, "reply_async", slow)
    send(page, "Never stop.")
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(1)
    page.locator("#message textarea").fill("What I write meanwhile")
    page.wait_for_timeout(500)
    expect(page.locator("#message textarea")).to_have_value("What I write meanwhile")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#status [data-testid=markdown]")).to_have_text("Stopped.")
    # Gradio may mark what was stopped as an error, unseen: nobody should hear of it either.
    expect(page.locator("#status [data-testid=status-tracker]")).to_have_css("visibility", "hidden")
    expect(page.locator("#message textarea")).to_be_focused()
    monkeypatch.undo()
    choose(page, "full")
    page.get_by_role("button", name="Send").click()
    replied(page, 2)
    expect(page.locator("#chat [data-testid=user]")).to_have_text(["Never stop.", "What I write meanwhile"])


def test_the_comparison_is_blind_until_replies_are_judged(page: Page) -> None:
    page.get_by_role("tab", name="Compare").click()
    page.get_by_label("Blind").check()
    page.locator("#compare-message textarea").fill("My <b>cat</b> ran away.")
    page.locator("#compare-message textarea").press("Enter")
    expect(page.locator("#compare-status")).to_have_text(f"{len(SYSTEMS)}/{len(SYSTEMS)} replies")
    page.locator("#compare-message textarea").fill("Something else")
    expect(page.locator("#compare-asked")).to_have_text("Replies to:My <b>cat</b> ran away.")
    reply = page.locator("#compare-replies p").first
    assert reply.evaluate("each => getComputedStyle(each).whiteSpace") == "pre-line"  # a reply may have several lines
    assert reply.evaluate("each => getComputedStyle(each).unicodeBidi") == "plaintext"  # or be written from the right
    heads = page.locator("#compare-replies h3")
    expect(heads).to_have_text([f"Reply {at}" for at in range(1, len(SYSTEMS) + 1)])
    page.locator("#compare-replies").get_by_role("button", name="Good").first.click()
    expect(page.locator("#compare-status")).to_have_text(f"1/{len(SYSTEMS)} judged")
    expect(heads.first).not_to_have_text("Reply 1")
    expect(heads.nth(1)).to_have_text("Reply 2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    assert len(json.loads(download.value.path().read_text("utf-8"))["replies"]) == len(SYSTEMS)
    accessible(page)


def test_a_comparison_can_be_stopped(page: Page, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lasting(*_: object) -> AsyncIterator[Answer]:
        await asyncio.sleep(60)
        yield Answer("Late", done=True)

    page.get_by_role("tab", name="Compare").click()
    message, status = page.locator("#compare-message"), page.locator("#compare-status [data-testid=markdown]")
    with monkeypatch.context() as patch:
        patch.setattr(engine, "reply_async", lasting)
        message.locator("textarea").fill("My cat ran away.")
        message.get_by_role("button", name="Compare").click()
        expect(status).to_contain_text("0/")
        message.get_by_role("button", name="Stop").click(timeout=20_000)
        expect(status).to_have_text("Stopped.")
    message.get_by_role("button", name="Compare").click()
    expect(status).to_have_text(f"{len(SYSTEMS)}/{len(SYSTEMS)} replies")
    expect(message.get_by_role("button", name="Compare")).to_be_visible()
