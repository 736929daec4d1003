"""The page on a phone, by keyboard alone, and its documents, in headless Chromium."""

import base64
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from attune.report import html
from tests.chat.browser import PHONE, accessible, fits, lowest, needs_chromium, replied, send
from tests.chat.tiny_pipeline import SYSTEMS

pytestmark = needs_chromium


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the Tab key does not lead to {selector}")


def test_a_phone_shows_the_message_box_below_a_conversation_and_cards_of_its_width(page: Page) -> None:
    page.set_viewport_size(PHONE)
    send(page, "I am sad today.")
    replied(page, 1)
    send(page, "My cat ran away.")
    replied(page, 2)
    assert lowest(page, "#message textarea") < PHONE["height"]
    assert fits(page, PHONE["width"])
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-message textarea").fill("My cat ran away.")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#compare-status")).to_have_text(f"{len(SYSTEMS)}/{len(SYSTEMS)} replies")
    boxes = [card.bounding_box() for card in page.locator(".card:visible").all()]
    assert len(boxes) == len(SYSTEMS)
    assert all(box and box["x"] >= 0 and 300 < box["width"] <= PHONE["width"] for box in boxes)
    assert fits(page, PHONE["width"])
    accessible(page)


def test_a_conversation_by_keyboard_alone(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reach(page, "#system input")
    page.keyboard.type("CoBERT")
    page.keyboard.press("Enter")
    expect(page.locator("#system-note")).to_contain_text("CoBERT chooses")
    reach(page, "#message textarea")
    page.keyboard.type("I am sad today.")
    page.keyboard.press("Enter")
    replied(page, 1)
    reach(page, "#copy")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Copied.")
    you, reply = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert you == "You: I am sad today."
    assert reply.startswith("CoBERT's retrieval: ")
    assert reply.removeprefix("CoBERT's retrieval: ") in page.locator("#chat [data-testid=bot]").inner_text()
    reach(page, "#clear")
    page.keyboard.press("Enter")
    expect(page.locator("#chat [data-testid=user]")).to_have_count(0)
    expect(page.locator("#message textarea")).to_be_focused()  # the button is gone
    reach(page, ".opening")
    page.keyboard.press("Enter")
    replied(page, 1)
    expect(page.locator("#message textarea")).to_be_focused()


def test_the_results_tab_shows_the_report_whose_links_and_own_script_work(page: Page, report: Path) -> None:
    page.get_by_role("tab", name="Results").click()
    frame = page.frame_locator("#report iframe")
    expect(frame.locator("body")).to_contain_text("dvc repro report")
    foreign = "<script>document.title = parent.document.title = 'x'</script>"
    tall = f'<p style="height: 5000px">{foreign}</p>'
    details = html.folded("More", '<p id="deep">Deep</p>' + html.preformatted("long " * 400))
    table = '<table class="sortable"><thead><tr><th>Score</th></tr></thead></table>'
    body = f'<a href="#deep">to the fold</a>{tall}{table}{details}'
    report.write_text(html.page("Attune: report", [("First", tall), ("Last", body)]))
    page.get_by_role("tab", name="Chat").click()
    page.get_by_role("tab", name="Results").click()
    expect(frame.locator("h1")).to_have_text("Attune: report")
    frame.get_by_role("link", name="Last").click()
    expect(frame.get_by_role("heading", name="Last")).to_be_in_viewport()
    frame.get_by_text("to the fold").click()
    expect(frame.locator("#deep")).to_be_in_viewport()
    expect(frame.locator("th button")).to_have_text("Score")
    accessible(page)
    assert page.title() == "Attune"
    assert frame.locator("title").text_content() == "Attune: report"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_accessible_fits_a_phone_and_is_printed_with_its_folds_named(
    page: Page, scheme: Literal["light", "dark"]
) -> None:
    wide = pd.DataFrame([{"": "True reply"} | {f"Column {at}": "a reply of some words" for at in range(12)}])
    body = (
        html.bullets(["BLEU: " + "nrefs:1|case:mixed|" * 9]) + html.table(wide) + html.folded("More", html.table(wide))
    )
    report = html.page("Attune: report", [("Scores", body), ("Text", html.preformatted("word " * 300))])
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    page.goto(f"data:text/html;base64,{base64.b64encode(report.encode()).decode()}")
    page.get_by_text("More").click()
    expect(page.locator(".scrolls")).to_have_count(2)
    accessible(page)
    assert fits(page, PHONE["width"])
    page.get_by_text("More", exact=True).click()
    page.emulate_media(media="print")
    assert "folded" in page.evaluate("getComputedStyle(document.querySelector('summary'), '::after').content")
    expect(page.locator("nav")).to_be_hidden()
