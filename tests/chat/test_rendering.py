import pytest

from attune.chat.answers import Answer, Exchange, RetrievedText
from attune.chat.rendering import byline, chat_messages, retrieved_table, status_line

MARKUP = '<img src=x onerror="alert(1)"> & </td>'


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


def test_whatever_is_written_or_found_is_shown_as_text() -> None:
    said, answered = chat_messages([Exchange(MARKUP, MARKUP, byline=MARKUP)])
    table = retrieved_table(Answer("Yes.", done=True, retrieved=(RetrievedText(f"{MARKUP}\nsecond line", 0.5, True),)))
    for html, times in ((said["content"], 1), (answered["content"], 2), (table, 1)):
        assert "<img" not in html
        assert html.count("&lt;img src=x") == times
        assert html.count("&amp; &lt;/td&gt;") == times
    assert "<br>second line" in table


def test_messages_alternate_and_one_without_a_reply_stands_alone() -> None:
    exchanges = [Exchange("Hello.", "Hi!", byline="Full, 1.0 s"), Exchange("And now?")]
    assert [(each["role"], each["content"]) for each in chat_messages(exchanges)] == [
        ("user", "Hello."),
        ("assistant", 'Hi!<div class="by">Full, 1.0 s</div>'),
        ("user", "And now?"),
    ]


def test_the_table_says_which_texts_were_used_and_how_well_each_suits() -> None:
    texts = (RetrievedText("first", 0.914, True), RetrievedText("second", -0.5, False))
    table = retrieved_table(Answer("Yes.", done=True, retrieved=texts))
    rows = ['<td class="number">0.91</td><td>yes</td><td>first</td>']
    rows += ['<td class="number">-0.50</td><td>no</td><td>second</td>']
    assert "".join(f"<tr>{row}</tr>" for row in rows) in table
    assert retrieved_table(Answer("Yes.", done=True)) == "<p>This system retrieves nothing.</p>"


def test_a_byline_says_how_long_it_took_and_whether_models_were_loaded() -> None:
    assert byline("Full", None, True) == "Full"
    assert byline("Full", 1.25, False) == "Full · 1.2 s"
    assert byline("Full", 61.0, True) == "Full · 61.0 s, with loading"


def test_the_status_says_what_a_system_does_and_then_what_people_should_know() -> None:
    loading = status_line("Full", Answer(loading=("CoBERT",)))
    assert loading.startswith("Full: loading CoBERT;")
    assert status_line("Full", Answer("I am", dropped_turns=1)).startswith("Full is writing ...; the oldest turn was")
    assert status_line("Full", Answer("I am.", done=True)) == ""
    assert status_line("Full", Answer("", done=True)) == "The reply is empty"
