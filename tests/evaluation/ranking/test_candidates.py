import pytest

from attune.core.errors import AttuneError
from attune.evaluation.ranking.candidates import candidates, draw_candidates, in_batch

POOL = {f"reply {number}": f"reply {number}" for number in range(40)}


def test_candidates_are_distinct_seeded_and_begin_with_the_right_one() -> None:
    drawn = draw_candidates("reply 7", "id1", POOL, 20, seed=1)
    assert drawn[0] == "reply 7"
    assert len(set(drawn)) == 20
    assert drawn == draw_candidates("reply 7", "id1", POOL, 20, seed=1)
    assert drawn != draw_candidates("reply 7", "id2", POOL, 20, seed=1)
    assert drawn != draw_candidates("reply 7", "id1", POOL, 20, seed=2)


def test_too_small_a_pool_says_what_fits() -> None:
    assert len(draw_candidates("reply 7", "id", POOL, 40, seed=1)) == 40
    with pytest.raises(AttuneError, match=r"cobert\.candidates = 41 needs 40; set cobert\.candidates to at most 40"):
        draw_candidates("reply 7", "id", POOL, 41, seed=1)


def test_what_says_the_same_as_the_right_reply_is_no_wrong_answer() -> None:
    same = ["ok", "OK", "Ok !", "ok ."]
    others = ["no", "thank you", "oh"]
    rows = [{"id": str(number), "response": reply} for number, reply in enumerate([*same, *others])]
    for texts in [*candidates(rows, same + others, 4, 1, "test_split"), *candidates(rows, [], 9, 1, "in_batch")]:
        assert texts[0] not in same or set(texts[1:]) == set(others)
    with pytest.raises(AttuneError, match=r"has 3 replies with other words than 0's, but cobert\.candidates = 5"):
        candidates(rows, same + others, 5, 1, "test_split")


def test_the_original_s_candidates_are_the_batch_s_own_replies() -> None:
    rows = [{"id": str(number), "response": f"reply {number % 9}"} for number in range(10)]
    drawn = in_batch(rows, 5, seed=1)
    assert drawn == in_batch(rows, 5, seed=1)
    assert drawn != in_batch(rows, 5, seed=2)
    batches = {frozenset(texts) for texts in drawn}
    assert len(batches) <= 3  # reply 0 twice in one batch makes it one set of four
    for row, texts in zip(rows, drawn, strict=True):
        assert texts[0] == row["response"]
        assert len(set(texts)) == len(texts) <= 5


def test_candidates_come_from_where_it_is_said() -> None:
    rows = [{"id": str(number), "response": f"reply {number}"} for number in range(10)]
    pool = [row["response"] for row in rows] + list(POOL)
    assert all(len(texts) == 10 for texts in candidates(rows, pool, 10, 1, "test_split"))
    assert {len(texts) for texts in candidates(rows, pool, 4, 1, "in_batch")} == {4, 2}


def test_all_contexts_share_five_replies_of_the_split_per_candidate() -> None:
    rows = [{"id": str(number), "response": f"right {number}"} for number in range(60)]
    pool = [f"reply {number}" for number in range(400)]
    drawn = candidates(rows, pool, 10, 1, "test_split")
    shared = {text for texts in drawn for text in texts[1:]}
    assert shared <= set(pool)
    assert 40 < len(shared) <= 50
    assert all(len(set(texts)) == 10 for texts in drawn)
    assert [texts[0] for texts in drawn] == [row["response"] for row in rows]
    assert drawn == candidates(rows, pool[::-1], 10, 1, "test_split")
    assert shared != {text for texts in candidates(rows, pool, 10, 2, "test_split") for text in texts[1:]}
