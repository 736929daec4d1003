import pytest

from attune.chat.validation import MAX_MESSAGE, changed_decoding, checked_message, checked_turn, persona_sentences
from attune.core.errors import AttuneError
from attune.parameters.decoding import Decoding


def test_what_cannot_be_answered_is_refused_with_a_sentence() -> None:
    for empty in ("", " \n\t"):
        with pytest.raises(AttuneError, match="nothing in the message"):
            checked_message(empty)
    with pytest.raises(AttuneError, match="this one has 100,000"):
        checked_message("a" * 100_000)
    assert len(checked_message("a" * MAX_MESSAGE)) == MAX_MESSAGE
    with pytest.raises(AttuneError, match="A persona may have 2,000 characters"):
        persona_sentences("a\n" * 1500)
    assert persona_sentences(" i cook .\n\n i run .\n") == ("i cook .", "i run .")
    assert persona_sentences("I am Dr. Smith from St. Louis. I ski.") == ("I am Dr. Smith from St. Louis.", "I ski.")
    assert persona_sentences("You are:\n1. Kind.\n10. Brief.") == ("You are:", "1. Kind.", "10. Brief.")
    assert persona_sentences("I cook! Do I?  I run 3.5 miles.\ni ski") == (
        "I cook!",
        "Do I?",
        "I run 3.5 miles.",
        "i ski",
    )
    with pytest.raises(AttuneError, match=r"temperature = 0: .*greater than 0"):
        changed_decoding(Decoding(method="greedy"), 0, None, None)
    assert checked_turn("half an emoji: \ud83d") == "half an emoji: ?"


def test_a_changed_decoding_samples_and_keeps_the_rest() -> None:
    own = Decoding(method="sampling", temperature=0.5, top_k=15, top_p=0.97, no_repeat_ngram=3)
    assert changed_decoding(own, None, None, None) is own
    assert changed_decoding(own, None, 1, None) == own.model_copy(update={"top_k": 1})
    likeliest = own.model_copy(update={"top_k": 1})
    assert changed_decoding(likeliest, 2.5, None, None) == own.model_copy(update={"temperature": 2.5, "top_k": 0})
    assert changed_decoding(likeliest, None, None, 0.9) == own.model_copy(update={"top_p": 0.9, "top_k": 0})
    assert changed_decoding(likeliest, 2.5, 15, None) == own.model_copy(update={"temperature": 2.5})
    beams = Decoding(method="beam", beams=3, early_stopping=True, no_repeat_ngram=2)
    assert changed_decoding(beams, 0.7, None, None) == Decoding(method="sampling", temperature=0.7, no_repeat_ngram=2)
