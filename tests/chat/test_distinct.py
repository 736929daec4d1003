from attune.chat.distinct import distinct


def test_what_differs_in_case_or_punctuation_only_is_the_same() -> None:
    texts = ["Thank you!", "thank you .", "thanks", ":)", ":("]
    assert distinct(texts, str) == ["Thank you!", "thanks", ":)", ":("]
    assert distinct(texts, str, without=["THANK YOU"]) == ["thanks", ":)", ":("]
