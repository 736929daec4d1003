import pytest

from attune.core.text import readable, repeated


@pytest.mark.parametrize(
    ("persona", "response", "expected"),
    [
        ("i have a dog .", "well , i have a dog too", True),
        ("I have a dog.", "i have a dog !", True),
        ("i saw the cat .", "i saw the cathedral .", False),
        ("the cat", "bathe cat", False),
        ("i have a dog .", "i have a big dog .", False),
        ("...", "... what", False),
        ("i 'm tall", "you know i 'm tall , right ?", True),
    ],
)
def test_a_persona_sentence_is_found_token_by_token(persona: str, response: str, expected: bool) -> None:
    assert repeated(persona, response) is expected


@pytest.mark.parametrize(
    ("tokenised", "written"),
    [
        ("i could n't , sorry .", "I couldn't, sorry."),
        ("pb isnt my thing so i 'd be ok !!!", "pb isnt my thing so I'd be ok!!!"),
        ("it 's ( really ) good ... right ?", "it's (really) good... right?"),
        ("thanks for your support ;)", "thanks for your support ;)"),
        ("`` hi '' he said , at 5 : 30", '"hi" he said, at 5:30'),
        ("you 're gon na love it : we can not", "you're gonna love it: we cannot"),
    ],
)
def test_tokenised_text_is_shown_as_people_write_it(tokenised: str, written: str) -> None:
    assert readable(tokenised) == written
    assert readable(written) == written


def test_other_text_stays() -> None:
    text = "So I asked: \"Why?\" (It's Tom's; i.e. not mine.)"
    assert readable(text) == text
