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


def test_the_exchanges_are_those_whose_replies_are_nearest_to_the_target() -> None:
    train = [*TRAIN, *rows("other", "a job in the city"), *rows("further", "one job")]
    found = most_like_targets(rows("test", "city job", "my old sea"), train, "{input}: {reply}", 2, Words(), 4)
    best, second = zip(*found, strict=True)
    assert [each["text"] for each in best] == ["hm: a job in the city", "hm: the sea"]
    assert second[0]["text"] == "hm: one job"  # no reply is given twice
    assert best[0]["score"] == pytest.approx(1, abs=1e-6)
    assert best[1]["score"] < 0.8
    assert all(each["score"] >= other["score"] for each, other in found)


def test_a_conversation_of_the_train_split_is_no_test_conversation() -> None:
    with pytest.raises(AttuneError, match="'train1' is in the test and the train split"):
        most_like_targets(TRAIN[1:2], TRAIN, "{reply}", 2, Words(), 4)
