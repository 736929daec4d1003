"""The page as people use it in headless Chromium: the installed one, or the one that CHROMIUM names."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
LABELS = {
    "full": "Full fine-tuning",
    "rag+persona_rag": "Full fine-tuning for RAG + reranked passages",
    "cobert": "CoBERT's retrieval",
}
PHONE = {"width": 390, "height": 844}
SMALL_PHONE = {"width": 360, "height": 640}
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium; `apt-get install chromium`, or name one in CHROMIUM"
)
expect.set_options(timeout=100_000)  # models are loaded meanwhile


@contextmanager
def launched() -> Iterator[Browser]:
    """While it runs, asyncio can run nothing else in the same thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The page at `address`, which asks for nothing outside its server, for somebody who has never been there."""
    outside: list[str] = []
    with browser.new_context(viewport={"width": 1100, "height": 1000}) as context:
        page = context.new_page()
        page.on("request", lambda request: None if _own(request.url, address) else outside.append(request.url))
        page.goto(address)
        yield page
    assert outside == []


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:", "about:"))


def choose(page: Page, system: str) -> None:
    page.locator("#system input").click()
    page.get_by_role("option", name=LABELS[system], exact=True).click()


def send(page: Page, message: str) -> None:
    page.locator("#message textarea").fill(message)
    page.locator("#message textarea").press("Enter")


def replied(page: Page, count: int) -> None:
    """The conversation has `count` complete replies."""
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(count)
    expect(page.locator("#status")).not_to_contain_text("...")


def accessible(page: Page) -> None:
    """No finding of axe-core about what is shown."""
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def fits(page: Page, width: int) -> bool:
    """Whether nothing is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth")) <= width


def lowest(page: Page, selector: str) -> float:
    """The lower edge of an element, in pixels from the top of the screen."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"] + box["height"]
