import math
from collections import Counter

import numpy as np
import pytest

from attune.evaluation.ranking.baselines import (
    BASELINES,
    Baselines,
    bm25,
    queries,
    reciprocal_ranks,
    tfidf,
    whole_context,
)

BANK = ["my dog is old", "the cat sat", "a dog and a cat", "we won the game !"]


def words(text: str) -> list[str]:
    return [word for word in text.split() if word.isalnum()]


def test_bm25_by_hand() -> None:
    query = "the old dog ran"
    found = bm25(BANK)([query])[0]
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
    found = tfidf(BANK)(["the cat sat", "pineapple"])
    assert found[0].argmax() == 1
    assert found[0, 1] == pytest.approx(1)
    assert not found[1].any()


def test_a_word_that_is_said_again_counts_less_than_the_first_time() -> None:
    """1 + ln(n) times: of two words as rare as each other, in a reply that has one four times."""
    cosines = tfidf(["cat cat cat cat dog", "bird"])(["cat", "dog"])[:, 0]
    assert cosines[0] / cosines[1] == pytest.approx(1 + math.log(4))


def baselines(texts: list[list[str]]) -> Baselines:
    """With TF-IDF in place of the embedder, so that `cosine` knows words only."""
    bank = sorted({text for each in texts for text in each})
    scorers = {"tfidf": tfidf(bank), "bm25": bm25(bank), "cosine": tfidf(bank)}
    return Baselines(bank, scorers, queries(embedder=None, num_personas=1))


def test_a_query_without_a_known_word_ranks_last_for_it_knows_nothing() -> None:
    row = {"id": "1", "context": ["???"], "personas": [], "response": "the cat sat"}
    texts = [["the cat sat", "my dog is old", "we won the game !"]]
    found = baselines(texts).rank([row], texts)
    assert list(found) == list(BASELINES)
    for name, rows in found.items():
        assert rows[0]["rank"] == 3, name
        assert rows[0]["loss"] is None


def test_the_right_reply_s_rank_is_among_its_own_candidates() -> None:
    rows = [
        {
            "id": "1",
            "context": ["hello", "is it old ?"],
            "personas": ["i have a dog", "i run"],
            "response": "my dog is old",
        },
        {"id": "2", "context": ["who won the game"], "personas": [], "response": "the cat sat"},
    ]
    texts = [["my dog is old", "the cat sat"], ["the cat sat", "we won the game !", "my dog is old"]]
    ranking = baselines(texts)
    (_, with_persona), found = ranking.queries["cosine_persona"], ranking.rank(rows, texts)
    assert (whole_context(rows[0]), with_persona(rows[0])) == ("hello is it old ?", "is it old ? i have a dog")
    assert queries(embedder=None, num_personas=2)["cosine_persona"][1](rows[0]) == "is it old ? i have a dog i run"
    assert ranking.queries["cosine"][1](rows[0]) == "is it old ?"
    for name in ("tfidf", "bm25"):
        assert [row["rank"] for row in found[name]] == [1, 2]
        assert [row["first"] for row in found[name]] == ["my dog is old", "we won the game !"]


@pytest.mark.parametrize("method", ["tfidf", "bm25"])
def test_shared_words_are_those_of_the_whole_context_and_not_of_the_persona(method: str) -> None:
    row = {"id": "1", "context": ["is your dog old ?", "tell me"], "personas": ["i won the game"]}
    texts = [["my dog is old", "we won the game !"]]
    right, other = baselines(texts).scores(method, [row], texts)[0]
    assert right > other == 0


@pytest.mark.parametrize("method", ["tfidf", "bm25"])
def test_text_without_spaces_shares_its_ideographs(method: str) -> None:
    row = {"id": "1", "context": ["你的狗老吗？"], "personas": []}
    texts = [["我的狗很老。", "今天下雨。"]]
    right, other = baselines(texts).scores(method, [row], texts)[0]
    assert right > other == 0


def test_fused_ranks_by_hand() -> None:
    """Cormack et al. 2009 with k = 60; the two that tie in the second ranking both have its rank 3."""
    found = reciprocal_ranks([np.array([0.9, 0.5, 0.1]), np.array([2.0, 7.0, 2.0])])
    assert found.tolist() == pytest.approx([1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 63])


def test_cosine_and_bm25_are_fused_by_their_ranks() -> None:
    row = {"id": "1", "context": ["my cat", "old dog ?"], "personas": [], "response": "my dog is old"}
    texts = [["my dog is old", "the cat sat", "we won the game !"]]
    ranking = baselines(texts)
    parts = [ranking.scores(name, [row], texts)[0] for name in ("cosine_context", "bm25")]
    assert ranking.scores("cosine_bm25", [row], texts)[0].tolist() == reciprocal_ranks(parts).tolist()
