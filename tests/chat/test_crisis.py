import pytest

from attune.chat.crisis import crisis_message


@pytest.mark.parametrize(
    "message",
    [
        "I want to kill myself", "i’m suicidal", "I don´t want to live", "i`m suicidal", "i‘m suicidal",
        "I DON'T WANT TO LIVE ANYMORE", "I just want to\ndie",
        "I wish I was dead", "I wish I'd never been born",
        "there is no reason to live", "I have been cutting myself", "they would be better off without me",
        "I am going to kill him", "I'm gonna kill my wife", "He hits me every night", "he threatened to kill me",
    ],
)  # fmt: skip
def test_crisis_lines_are_named_where_a_message_speaks_of_harm(message: str) -> None:
    shown = crisis_message(message)
    assert shown is not None
    assert "https://findahelpline.com" in shown
    assert shown == crisis_message("I want to kill myself")


def test_a_long_message_is_searched_to_its_end() -> None:
    assert crisis_message("x " * 40_000 + "I want to kill myself")


@pytest.mark.parametrize(
    "message",
    [
        "", "This exam is killing me.", "I could kill for a pizza.", "We had to kill time.", "My phone died.",
        "I want to live in Rome.", "He beats me at chess.", "I don't want to live in this flat", "My dog died.",
        "I cut my finger.", "I am so sad that my cat ran away.", "She will die laughing.",
    ],
)  # fmt: skip
def test_other_messages_get_no_crisis_message(message: str) -> None:
    assert crisis_message(message) is None
