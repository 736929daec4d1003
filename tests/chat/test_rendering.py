import pytest

from attune.chat.answers import Answer


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("I am sorry. So am I.", "after its last whole sentence"),
        ("I am sorry, and so", "in mid-sentence"),
        ("1. Sleep. 2.", "in mid-sentence"),
    ],
)
def test_a_note_says_where_a_reply_at_the_length_limit_ends(text: str, end: str) -> None:
    assert Answer(text, done=True, truncated=True).notes() == [f"the reply reached the length limit; it ends {end}"]
    assert Answer(text, done=True).notes() == Answer(text, truncated=True).notes() == []


def test_a_note_counts_the_sentences_of_the_persona_that_were_left_out() -> None:
    for count, words in ((1, "1 sentence of the persona was"), (2, "2 sentences of the persona were")):
        note = f"{words} left out, since the model's input is limited"
        assert Answer("Yes.", done=True, dropped_sentences=count).notes() == [note]
