import pytest

from attune.chat.crisis import crisis_message, without_crises


@pytest.mark.parametrize(
    "message",
    [
        "I want to kill myself", "i’m suicidal", "I don´t want to live", "i`m suicidal", "i‘m suicidal",
        "I DON'T WANT TO LIVE ANYMORE", "I just want to\ndie",
        "I wish I was dead", "I wish I'd never been born",
        "there is no reason to live", "I have been cutting myself", "they would be better off without me",
        "I wanna die", "I don't want to exist anymore", "I don't want to be here any more", "I feel like dying",
        "I don't want to wake up", "I don't want to wake up tomorrow.", "I want to end it", "Life isn't worth living.",
        "I took an overdose", "I overdosed last night", "I slit my wrists", "kms",
        "I am going to kill him", "I'm gonna kill my wife", "He hits me every night", "he threatened to kill me",
        "self-harm", "I self\u2011harm", "Self\u2013harming again", "I took all my pills",
        "I took all of the tablets at once.",
        "I swallowed a whole bottle of pills.", "I took too many pills", "I'm going to take all my pills tonight",
        "I want to be dead", "I just wanna be dead already", "I can't go on", "I can’t go on like this!",
        "I really cannot go on any more.", "I can't go on without her",
        "My husband hit me", "my dad beat me", "I was raped",
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
        "I'm gonna die laughing", "He hits me up every weekend", "My brother beat me to it", "I ran 10 kms today.",
        "I can't go on holiday this year", "I can't go on Friday.", "I can't go on the trip",
        "I can't go on with this diet.",
        "I can't go on without a ticket.", "We can't go on, the bridge is closed.", "I took all my pills for today.",
        "I have to take all my pills every morning.", "He took a bottle of pills out of his bag.",
        "I want to be dead certain.", "I don't want to be dead last again", "I want to be dead-on this time.",
        "I have good self\u2011esteem.", "I don't want to wake up so early.", "I want to end it with my boyfriend",
    ],
)  # fmt: skip
def test_other_messages_get_no_crisis_message(message: str) -> None:
    assert crisis_message(message) is None


def test_no_model_reads_what_got_the_crisis_message() -> None:
    crisis = str(crisis_message("I want to die"))
    assert without_crises(["Hm.", "Yes?", "I want to die", f"{crisis}\n", "Thanks.", "Good."]) == [
        "Hm.", "Yes?", "Thanks.", "Good."
    ]  # fmt: skip
    assert without_crises([crisis, "Hm."]) == ["Hm."]


def test_no_model_reads_it_either_where_a_client_has_shortened_the_crisis_message() -> None:
    crisis = str(crisis_message("I want to die"))
    shortened = ["Hm.", "Yes?", "I want to die", crisis[:60], "I want to die.", "...", "Thanks.", "Good."]
    assert without_crises(shortened) == ["Hm.", "Yes?", "Thanks.", "Good."]
    assert without_crises(["Sorry.", "I want to die", crisis, "Thanks.", "Good."]) == ["Sorry.", "Thanks.", "Good."]
    # A system's reply is no message, whatever it says.
    assert without_crises(["Hm.", "I want to die", "Why?", "Oh."]) == ["Hm.", "I want to die", "Why?", "Oh."]
