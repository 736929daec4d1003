import pytest

from attune.core.text import repeated


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
