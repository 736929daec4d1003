import pytest

from attune.metrics.replies import (
    begins_with,
    copied,
    distinct,
    extra_turn,
    repeated_ngrams,
    repeats_a_sentence,
    reply_scores,
    words,
)


def test_the_length_of_a_reply_is_its_words_without_its_marks() -> None:
    counted = dict(reply_scores("I'm so sorry, that's awful! Don't give up.", "Hi.", truncated=False))
    assert counted["words"] == 8


def test_words_are_lower_case_with_their_marks_and_ideographs_alone() -> None:
    assert words("It's OK!") == ["it", "'", "s", "ok", "!"]
    assert words("我很难过。ok") == ["我", "很", "难", "过", "。", "ok"]
    assert words(" ") == []


def test_distinct_counts_over_all_replies() -> None:
    assert distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct(["a b", "a b"], 2) == 0.5
    assert distinct(["same old words"] * 10_000, 1) == pytest.approx(3 / 30_000)
    assert distinct(["", "a"], 2) == 0


def test_repetition_is_of_what_the_reply_had_before() -> None:
    assert repeated_ngrams("a b c a b c") == pytest.approx(1 / 4)
    assert repeated_ngrams("a b c") == 0
    assert repeated_ngrams("a") == 0
    assert repeats_a_sentence("I am sorry. What now? I am sorry.")
    assert not repeats_a_sentence("I am sorry. I am so sorry.")
    assert not repeats_a_sentence("No! No!")  # of one word
    assert repeats_a_sentence("我很难过。真的。我很难过。")
    assert repeats_a_sentence("Oh no. Really? Oh no.")  # of two words


def test_copies_are_of_the_prompt() -> None:
    assert copied("i lost my keys today", "I lost my keys.") == pytest.approx(2 / 3)
    assert copied("hm", "I lost my keys.") == 0
    assert copied("i lost it . i lost it", "I lost it") == pytest.approx(2 / 5)  # each time that it stands there
    assert begins_with(" I LOST my keys. Oh", "i lost my keys.")
    assert not begins_with("Oh, i lost my keys.", "i lost my keys.")
    assert not begins_with("Oh", "")
    assert begins_with("我很难过。真的", "我很难过")


@pytest.mark.parametrize(("reply", "prompt"), [("His name is Tom.", "hi"), ("Hi", "hi there")])
def test_the_beginning_of_a_word_is_no_copy_of_it(reply: str, prompt: str) -> None:
    assert not begins_with(reply, prompt)


@pytest.mark.parametrize("reply", ["It is 4.\nQuestion: And 5?", "Q: What?", "Yes.\n  Speaker: I see", "4\nuser: ok"])
def test_another_turn_is_a_leak(reply: str) -> None:
    assert extra_turn(reply)


@pytest.mark.parametrize("reply", ["What is your question: this?", "Why do you ask?", "", "Equal: 4"])
def test_a_question_to_the_other_is_none(reply: str) -> None:
    assert not extra_turn(reply)


def test_every_fault_is_given_of_every_reply() -> None:
    scores = dict(reply_scores(" ", "Hi", truncated=True))
    assert scores["empty"] == scores["truncated"] == 1
    assert {name for name, value in scores.items() if value} == {"empty", "truncated"}
