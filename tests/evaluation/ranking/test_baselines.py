import math
from collections import Counter

import pytest

from attune.evaluation.ranking.baselines import bm25, lexical, tfidf, with_persona

BANK = ["my dog is old", "the cat sat", "a dog and a cat", "we won the game !"]


def words(text: str) -> list[str]:
    return [word for word in text.split() if word.isalnum()]


def test_bm25_by_hand() -> None:
    query = "the old dog ran"
    found = bm25([query], BANK)[0]
    average = sum(len(words(text)) for text in BANK) / len(BANK)
    for text, score in zip(BANK, found, strict=True):
        counts, expected = Counter(words(text)), 0.0
        for word in words(query):
            holding = sum(word in words(other) for other in BANK)
            if counts[word]:
                rarity = math.log(1 + (len(BANK) - holding + 0.5) / (holding + 0.5))
                norm = 1.5 * (1 - 0.75 + 0.75 * len(words(text)) / average)
                expected += rarity * counts[word] / (counts[word] + norm)
        assert score == pytest.approx(expected, rel=1e-4)


def test_tfidf_is_one_for_the_same_text_and_zero_for_none_in_common() -> None:
    found = tfidf(["the cat sat", "pineapple"], BANK)
    assert found[0].argmax() == 1
    assert found[0, 1] == pytest.approx(1)
    assert not found[1].any()


def test_a_query_without_a_known_word_ranks_last_for_it_knows_nothing() -> None:
    row = {"id": "1", "context": ["???"], "personas": [], "response": "the cat sat"}
    for name, rows in lexical([row], [["the cat sat", "my dog is old", "we won the game !"]]).items():
        assert rows[0]["rank"] == 3, name
        assert rows[0]["loss"] is None


def test_the_right_reply_s_rank_is_among_its_own_candidates() -> None:
    rows = [
        {"id": "1", "context": ["hello", "is it old ?"], "personas": ["i have a dog"], "response": "my dog is old"},
        {"id": "2", "context": ["who won the game"], "personas": [], "response": "the cat sat"},
    ]
    assert with_persona(rows[0]) == "is it old ? i have a dog"
    texts = [["my dog is old", "the cat sat"], ["the cat sat", "we won the game !", "my dog is old"]]
    for found in lexical(rows, texts).values():
        assert [row["rank"] for row in found] == [1, 2]
        assert [row["first"] for row in found] == ["my dog is old", "we won the game !"]
