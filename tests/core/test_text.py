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


@pytest.mark.parametrize(
    "different",
    [("की", "का", "के", "कि"), ("ไม่", "ไม", "ใหม่", "ใหม้"), ("நான்", "நன"), ("বাড়ি", "বাড়")],
)
def test_vowel_signs_and_tones_are_part_of_words(different: tuple[str, ...]) -> None:
    words = [words_of(f"{text} {different[0]}!") for text in different]
    assert len(set(words)) == len(different)
    assert words[0] == f"{different[0]} {different[0]}"


def test_marks_divide_words_alike_whatever_letters_are_beside_them() -> None:
    texts = [f"A{mark}b{mark}" for mark in map(chr, range(128))]
    assert [words_of(f"{text} É") for text in texts] == [f"{words_of(text)} é" for text in texts]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café, naïve", "café naïve"),
        ("Cafe\u0301, nai\u0308ve", "café naïve"),
        ("\u0130yi x\u0302y", "i yi x y"),
        ("I \u2764\ufe0f you\ufe0f!", "i you"),
        ("1\ufe0f\u20e3st", "1 st"),
        ("a_b\u200dc", "a_b c"),
    ],
)
def test_accents_and_emoji_are_as_in_composed_text(text: str, words: str) -> None:
    assert words_of(text) == words
