import pytest

from attune.chat.validation import MAX_MESSAGE, checked_message, checked_turn, persona_sentences, sampling
from attune.core.errors import AttuneError


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
    with pytest.raises(AttuneError, match=r"temperature = 0: .*greater than 0"):
        sampling(0, 30, 0.9)
    assert checked_turn("half an emoji: \ud83d") == "half an emoji: ?"
