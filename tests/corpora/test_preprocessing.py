import pytest

from attune.core.text import repeated
from attune.corpora.preprocessing import instruction_rows, pec_row, reply_rows
from attune.corpora.question_types import kind_of


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


CONVERSATION = {
    "id": "x",
    "domain": "happy",
    "speakers": ["a", "b", "c"],
    "utterances": ["we won !", "who ?", "i like chess . well done !"],
    "personas": ["i like chess .", "i am old ."],
}


def test_the_last_turn_is_the_response_and_what_it_repeats_is_dropped() -> None:
    row = pec_row(CONVERSATION, drop_repeated_personas=True)
    assert row["context"] == ["we won !", "who ?"]
    assert row["context_speakers"] == ["a", "b"]
    assert (row["response"], row["response_speaker"]) == ("i like chess . well done !", "c")
    assert (row["personas"], row["dropped_personas"]) == (["i am old ."], 1)
    kept = pec_row(CONVERSATION, drop_repeated_personas=False)
    assert (kept["personas"], kept["dropped_personas"]) == (["i like chess .", "i am old ."], 0)


def test_a_reply_is_a_listener_turn_after_a_speaker_turn_and_never_in_its_own_input() -> None:
    dialogue = {
        "conv_id": "c1",
        "emotion": "proud",
        "situation": "I passed.",
        "speakers": [0, 1, 0, 0, 1, 1],
        "utterances": ["u0", "u1", "u2", "u3", "u4", "u5"],
    }
    rows = reply_rows(dialogue)
    assert [(row["turn"], row["history"], row["input"], row["target"]) for row in rows] == [
        (1, [], "u0", "u1"),
        (4, ["u0", "u1", "u2"], "u3", "u4"),
    ]
    assert {row["context"] for row in rows} == {"proud"}
    assert {row["situation"] for row in rows} == {"I passed."}


def test_each_answer_is_a_row_with_the_turns_before_it() -> None:
    rows = instruction_rows({"id": "g", "system": "Be brief.", "turns": ["q1", "a1", "q2", "a2"]})
    assert [(row["turn"], row["history"], row["prompt"], row["completion"]) for row in rows] == [
        (1, [], "q1", "a1"),
        (3, ["q1", "a1"], "q2", "a2"),
    ]
    assert {row["system"] for row in rows} == {"Be brief."}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How do I bake bread?", "how-to"),
        ("What is the capital of France?", "factual"),
        ("Is it better to rent or to buy?", "subjective"),
        ("Premise: A dog runs. Hypothesis: An animal moves.", "task"),
        ("Can you fix it?", "ambiguous"),
    ],
)
def test_the_kind_of_a_question(question: str, kind: str) -> None:
    assert kind_of(question) == kind
