"""The measure itself, with the installed sentence encoder: what has a high score by it, and what a low one."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attune.evaluation.everyday import Everyday, Message, comparisons, judged, scores
from attune.evaluation.schemas import JUDGED, SHARES
from attune.index.embedding import embed, load_embedder
from attune.metrics.replies import ngrams
from attune.sources.packages import minilm_folder
from attune.sources.sample.empathetic_dialogues import load
from tests.inference.tiny_bank import Words

WHOLE = Everyday.read()
# Half of it, with as many messages of either feeling.
GIVEN = Everyday(WHOLE.messages[::2], WHOLE.further[::2])
Systems = dict[str, list[dict[str, Any]]]


class Remembering:
    """The installed sentence encoder; it does not read again what it has read."""

    def __init__(self) -> None:
        self._encoder, self._read = load_embedder(minilm_folder()), {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: list[str], **named: Any) -> np.ndarray:
        new = [text for text in texts if text not in self._read]
        if new:
            self._read |= dict(zip(new, self._encoder.encode(new, **named), strict=True))
        return np.stack([self._read[text] for text in texts])


@pytest.fixture(scope="module")
def encoder() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def systems(encoder: Remembering) -> Systems:
    """Replies by hand, one reply to everybody, the message again, the next message's reply by hand, and nothing."""
    messages = GIVEN.messages
    given = {
        "by hand": [each.reply for each in messages],
        "sorry": ["I am so sorry to hear that. That must be very hard for you."] * len(messages),
        "repeated": [each.text for each in messages],
        "next": [each.reply for each in [*messages[1:], messages[0]]],
        "empty": [" "] * len(messages),
    }
    rows = [
        {"system": system, "id": each.id, "prompt": each.text, "target": each.reply, "reply": reply, "truncated": False}
        for system, replies in given.items()
        for each, reply in zip(messages, replies, strict=True)
    ]
    found = judged(rows, GIVEN, encoder, 32)
    return {system: [row for row in found if row["system"] == system] for system in given}


def values(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {score.score: score.value for score in scores(rows, 13)}


def test_replies_by_hand_are_about_their_message_and_feel_as_its_writer(systems: Systems) -> None:
    found = values(systems["by hand"])
    assert found["own_message"] > 0.9
    assert 0.7 < found["right_feeling_glad"] < 1
    assert 0.7 < found["right_feeling_troubled"] < 1
    assert found["similarity"] == pytest.approx(1, abs=1e-4)


def test_one_reply_to_everybody_is_about_none_and_has_one_of_the_feelings(systems: Systems) -> None:
    found = values(systems["sorry"])
    assert found["own_message"] == pytest.approx(1 / 60, abs=1e-4)
    assert (found["right_feeling_glad"], found["right_feeling_troubled"]) == (0, 1)


def test_the_message_again_is_nearest_to_itself_and_a_reply_to_another_is_not(systems: Systems) -> None:
    assert values(systems["repeated"])["own_message"] == 1
    assert values(systems["next"])["own_message"] < 0.05


def test_an_empty_reply_has_nothing_right(systems: Systems) -> None:
    assert not any(row[name] for row in systems["empty"] for name in (*JUDGED, "similarity"))


def test_a_reply_that_is_as_near_to_another_message_is_about_its_own_too() -> None:
    messages = [Message(f"{feeling} 1", "my bike", feeling == "glad", "a bike") for feeling in ("glad", "troubled")]
    rows = [{"id": each.id, "reply": "your bike"} for each in messages]
    found = judged(rows, Everyday(messages, [("a city", True), ("a job", False)]), Words(), 2)
    assert [row["own_message"] for row in found] == [1, 1]


def test_shares_of_replies_on_which_all_agree_have_exact_intervals() -> None:
    about = {"prompt": "Hm.", "target": "Oh.", "reply": "Oh no.", "truncated": False}
    rows = [
        about | {"id": f"{feeling} {at}", "similarity": at / 10, "own_message": 0.0, "right_feeling": right}
        for feeling, right in (("glad", 1.0), ("troubled", 0.0))
        for at in range(6)
    ]
    found = {each.score: (each.low, each.value, each.high) for each in scores(rows, 1)}
    of_six, of_twelve = (pytest.approx(1 - 0.025 ** (1 / count), abs=1e-4) for count in (6, 12))
    assert found["own_message"] == (0, 0, of_twelve)
    assert found["right_feeling_glad"] == (pytest.approx(0.025 ** (1 / 6), abs=1e-4), 1, 1)
    assert found["right_feeling_troubled"] == (0, 0, of_six)


def test_systems_are_compared_on_the_same_messages(systems: Systems) -> None:
    found = comparisons(systems, [("sorry", "by hand"), ("sorry", "empty")], 13)
    assert [(each.after, each.score) for each in found] == [
        (after, share) for after in ("by hand", "empty") for share in SHARES
    ]
    better, glad, troubled, *_, worse = found
    before, after = values(systems["sorry"]), values(systems["by hand"])
    assert better.difference == pytest.approx(after["own_message"] - before["own_message"], abs=1e-3)
    assert glad.difference == pytest.approx(after["right_feeling_glad"], abs=1e-3)
    assert troubled.difference == pytest.approx(after["right_feeling_troubled"] - 1, abs=1e-3)
    assert better.p < 0.001
    assert worse.difference == -1


def test_there_are_as_many_glad_messages_as_troubled_ones_and_each_stands_once() -> None:
    glad = [each.glad for each in WHOLE.messages]
    assert glad.count(True) == glad.count(False) == 60
    texts = [text for each in WHOLE.messages for text in (each.text, each.reply)]
    texts += [text for text, _ in WHOLE.further]
    assert len({text.lower() for text in texts}) == len(texts)


def test_no_message_or_reply_shares_a_run_of_words_with_the_sample() -> None:
    """A generator that had learned from one would be measured on what it knows."""
    banks = Path(__file__).parents[2] / "attune/sources/sample/banks"
    known = {run for bank in sorted(banks.glob("*.toml")) for run in runs(bank.read_text(encoding="utf-8"))}
    assert len(known) > 10_000
    assert [each.text for each in WHOLE.messages if known & (runs(each.text) | runs(each.reply))] == []


@pytest.mark.slow
def test_no_message_retells_a_situation_of_the_sample(encoder: Remembering) -> None:
    """In other words, too: a quarter of the messages that once stood here did, with cosines of .6 or more."""
    told = [text for situation in load() for text in (situation.prompt, situation.turns[0][0])]
    assert len(told) > 500
    messages = [each.text for each in WHOLE.messages]
    nearest = (embed(encoder, messages, 64) @ embed(encoder, told, 64).T).max(axis=1)
    assert [text for text, cosine in zip(messages, nearest, strict=True) if cosine >= 0.6] == []


def runs(text: str, length: int = 7) -> set[tuple[str, ...]]:
    return set(ngrams(re.findall(r"[\w']+", text.lower()), length))
