"""The form in headless Chromium, opened as a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from attune.core.files import read_csv
from attune.judgement.answers import read_answers
from attune.judgement.export_pairs import main
from tests.chat.browser import needs_chromium
from tests.judgement.annotators import write_replies

pytestmark = needs_chromium


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    words = ["--replies", str(tmp_path / "answers.parquet"), "--systems", "good", "poor", "--target", "judged"]
    main([*words[:-1], str(tmp_path / "judged")])
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto((tmp_path / "judged" / "form" / "form.html").as_uri())
        yield page


def test_a_form_is_filled_in_by_keys_kept_and_saved(page: Page, tmp_path: Path) -> None:
    first, second = read_csv(tmp_path / "judged" / "form" / "pairs.csv")
    assert page.locator("#reply-a").inner_text() == first["reply_a"]
    assert page.locator("#reply-b").inner_text() == first["reply_b"]
    for text in ("#context p", "#reply-a"):  # Hebrew is written from the right
        assert page.locator(text).first.evaluate("each => getComputedStyle(each).unicodeBidi") == "plaintext"
    page.keyboard.press("b")
    assert page.locator("#reply-a").inner_text() == second["reply_a"]
    page.reload()
    assert page.locator("#status").inner_text() == "Pair 2 of 2; 1 answered."
    page.get_by_role("button", name="No difference").click()
    assert "All done" in page.locator("#status").inner_text()
    page.locator("#save").click()
    assert "name or initials" in page.locator("#saved").inner_text()
    page.keyboard.type('Ann "A"')  # an a in a name is no answer
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "answers.csv")
    assert download.value.suggested_filename == "answers-Ann_A_.csv"
    given = read_answers(tmp_path / "judged" / "key.csv", [tmp_path / "answers.csv"])
    assert [(each.annotator, each.points) for each in given] == [('Ann "A"', 0.0), ('Ann "A"', 0.5)]


def named(page: Page, name: str, accept: bool | None = None) -> str:
    """What the form says to a new name; accept: the answer to its question, None where it asks none."""
    if accept is not None:
        page.once("dialog", lambda dialog: dialog.accept() if accept else dialog.dismiss())
    page.locator("#annotator").fill(name)
    page.locator("#annotator").press("Enter")
    return page.locator("#status").inner_text()


def test_another_person_in_the_same_browser_has_answers_of_their_own(page: Page, tmp_path: Path) -> None:
    def saved() -> list[float]:
        with page.expect_download() as download:
            page.locator("#save").click()
        download.value.save_as(tmp_path / "answers.csv")
        return [each.points for each in read_answers(tmp_path / "judged" / "key.csv", [tmp_path / "answers.csv"])]

    page.get_by_role("button", name="No difference").click()
    assert named(page, "An") == "Pair 2 of 2; 1 answered by An."
    assert named(page, "Ann", accept=False) == "Pair 2 of 2; 1 answered by Ann."
    page.get_by_role("button", name="No difference").click()
    assert named(page, "Bob", accept=True) == "Pair 1 of 2; 0 answered by Bob."
    assert page.locator("[aria-pressed=true]").count() == 0
    page.get_by_role("button", name="B is better").click()
    assert saved() == [0.0]
    page.reload()
    assert page.locator("#status").inner_text() == "Pair 2 of 2; 1 answered by Bob."
    assert "2 answered by Ann" in named(page, "Ann")
    assert saved() == [0.5, 0.5]


def test_answers_without_a_name_are_added_to_those_of_a_known_one_only_after_asking(page: Page) -> None:
    named(page, "constructor")
    page.get_by_role("button", name="No difference").click()
    named(page, "", accept=True)
    page.get_by_role("button", name="No difference").click()
    page.get_by_role("button", name="No difference").click()
    assert named(page, "constructor", accept=False).startswith("Pair 2 of 2; 2 answered.")
    assert page.locator("#annotator").input_value() == ""
    assert "2 answered by constructor" in named(page, "constructor", accept=True)
    page.reload()
    assert "2 answered by constructor" in page.locator("#status").inner_text()
