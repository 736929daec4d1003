import pytest

from attune.core.errors import AttuneError
from attune.evaluation.testing.oracle import most_like_targets
from tests.inference.tiny_bank import Words


def rows(split: str, *replies: str) -> list[dict[str, object]]:
    return [
        {"conv_id": f"{split}{at}", "turn": 1, "history": [], "situation": "", "input": "hm", "target": reply}
        for at, reply in enumerate(replies)
    ]


TRAIN = rows("train", "a dog and a cat", "a job in the city", "the sea")


def test_the_exchange_is_that_whose_reply_is_nearest_to_the_target() -> None:
    best = most_like_targets(rows("test", "city job", "my old sea"), TRAIN, "{input}: {reply}", Words(), 4)
    assert [each["text"] for each in best] == ["hm: a job in the city", "hm: the sea"]
    assert best[0]["score"] == pytest.approx(1, abs=1e-6)
    assert best[1]["score"] < 0.8


def test_a_conversation_of_the_train_split_is_no_test_conversation() -> None:
    with pytest.raises(AttuneError, match="'train1' is in the test and the train split"):
        most_like_targets(TRAIN[1:2], TRAIN, "{reply}", Words(), 4)
