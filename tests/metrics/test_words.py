import re

import pytest

from attune.metrics.words import SPACED, WORD


@pytest.mark.parametrize(
    "text", ["I don't know_it: 3.5 kg!", "Señor Müller’s naïve cafe\u0301", "α β_1\u2003−2\x1cx", ""]
)
def test_text_with_spaces_has_the_words_that_python_finds(text: str) -> None:
    assert re.findall(WORD, text) == re.findall(r"\w+", text)
    assert SPACED.findall(text) == text.split()


@pytest.mark.parametrize("ideograph", ["\u3400", "\u9fff", "\uf900", "\U00020bb7"])
def test_each_ideograph_of_any_plane_is_a_word(ideograph: str) -> None:
    text = f"a{ideograph}{ideograph}b"
    assert re.findall(WORD, text) == SPACED.findall(text) == ["a", ideograph, ideograph, "b"]


def test_each_ideograph_is_a_word() -> None:
    assert re.findall(WORD, "我 很难过。ok・ねこ") == ["我", "很", "难", "过", "ok", "ね", "こ"]
    assert SPACED.findall("我很 not難過") == ["我", "很", "not", "難", "過"]
