from itertools import pairwise

import pytest

from attune.corpora.wording import as_written, tokenised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i could n't stay .", "I couldn't stay."),
        ("hi , i 'm home ! she 's here .", "Hi, I'm home! She's here."),
        ('he said " i am ( not ) ill " ?!', 'He said "I am (not) ill"?!'),
        ("so ... i left at 10:30 :)", "So... I left at 10:30 :)"),
        ("in it i did , i think", "In it I did, I think"),
        ("", ""),
    ],
)
def test_as_written_sets_spaces_and_capitals_as_people_do(text: str, expected: str) -> None:
    assert as_written(text) == expected
    assert tokenised(expected) == text


def test_the_text_grows_with_its_tokens() -> None:
    tokens = ["i", "do", "n't", "know", ",", '"', "ok", "?", '"', "i", "'m", "(", "so", ")", "glad", "!"]
    texts = [as_written(" ".join(tokens[:at])) for at in range(len(tokens) + 1)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
