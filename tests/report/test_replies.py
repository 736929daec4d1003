import pandas as pd

from attune.report.replies import answer_blocks, answered_blocks, dialogue_blocks

NAMES = {"g": "G", "retrieved": "Retrieval", "targets": "True replies"}


def test_answers_stand_below_their_question_behind_a_fold() -> None:
    rows = [
        ("h", "A joke?", "1 < 2", "True"),
        ("h", "Why?", "So.", "False"),
        ("g", "A joke?", "No.", "False"),
    ]
    columns = ["generator", "question", "answer", "truncated"]
    page = answer_blocks(pd.DataFrame(rows, columns=columns), NAMES)
    places = [
        page.index(text)
        for text in ("A joke?", "1 &lt; 2 […]", '<th scope="row">G</th><td>No.</td>', "Why?", "So.</td>")
    ]
    assert page.startswith("<details><summary>2 questions, each to the generators that it is meant for</summary>")
    assert places == sorted(places)
    assert answer_blocks(pd.DataFrame(rows[:1], columns=columns), NAMES).startswith(
        "<details><summary>1 question, each"
    )
    assert answer_blocks(pd.DataFrame([], columns=columns), NAMES) == ""


def test_written_replies_stand_beside_the_messages_and_replies_that_were_retrieved() -> None:
    texts = {"id": "c/1", "prompt": "I <b>won</b>!", "target": "Great.", "generator": "g"}
    passages = ["Speaker: I <3 you.\nListener: Well done.\n\n", "Speaker: So?\nListener: Yes.\n\n"]
    rows = [
        texts | {"variant": "plain", "passage_texts": [], "reply": "Oh.", "truncated": False},
        texts | {"variant": "rag", "passage_texts": passages, "reply": "Well.", "truncated": True},
        texts | {"variant": "no_persona", "passage_texts": [], "reply": None, "truncated": None},
    ]
    page = dialogue_blocks(pd.DataFrame(rows), NAMES)
    assert page.startswith("<details><summary>1 prompt: replies beside")
    assert dialogue_blocks(pd.DataFrame(rows[2:]), NAMES) == ""
    assert "I &lt;b&gt;won&lt;/b&gt;!" in page
    shown = "1. Speaker: I &lt;3 you.<br>Listener: Well done.<br>2. Speaker: So?<br>Listener: Yes."
    assert f'<th scope="row">Passages</th><td></td><td>{shown}</td>' in page
    assert '<th scope="row">G</th><td>Oh.</td><td>Well. […]</td>' in page


def test_tokenised_replies_are_shown_as_people_write_them() -> None:
    rows = [
        {"id": "p/1", "prompt": "i won .", "target": "great .", "system": system, "reply": reply, "truncated": cut}
        for system, reply, cut in (
            ("retrieved", "i could n't .", False),
            ("g", "i", True),
            ("targets", "great .", False),
        )
    ]
    page = answered_blocks(pd.DataFrame(rows), NAMES)
    assert "<details>" not in page
    assert '<th scope="row">Retrieval</th><td>I couldn&#x27;t.</td>' in page
    assert '<th scope="row">G</th><td>I […]</td>' in page
    assert page.count("Great.") == 1


def test_a_context_of_middling_length_is_open() -> None:
    texts = {"i won .": "a", "i lost , and then i won .": "b", "i lost , and then i won , and then i slept .": "c"}
    rows = [
        {"id": key, "prompt": text, "target": "so .", "system": "g", "reply": "oh .", "truncated": False}
        for text, key in texts.items()
    ]
    shown, folded = answered_blocks(pd.DataFrame(rows), NAMES).split("<summary>2 more contexts</summary>")
    assert "I lost, and then I won.</blockquote>" in shown
    assert "I won.</blockquote>" not in shown.replace("then I won.", "")
    assert "I slept." in folded
    assert "<summary>1 more context</summary>" in answered_blocks(pd.DataFrame(rows[:2]), NAMES)
