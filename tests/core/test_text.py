import pytest

from attune.core.text import repeated, words_of


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


def test_texts_are_the_same_by_their_words_or_where_they_have_none_by_their_marks() -> None:
    texts = ["Thank you!", "thank you .", "THANK YOU", "thanks", ":)", ":("]
    assert [words_of(text) for text in texts] == ["thank you", "thank you", "thank you", "thanks", ":)", ":("]
