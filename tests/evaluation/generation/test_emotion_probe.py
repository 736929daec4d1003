import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.evaluation.generation.emotion_probe import train


def vectors(emotions: list[str], seed: int) -> np.ndarray:
    """Unit vectors near one axis for each of two emotions."""
    draws = np.random.default_rng(seed)
    found = np.array([[1.0, 0.0] if emotion == "sad" else [0.0, 1.0] for emotion in emotions])
    return (found + draws.normal(0, 0.1, found.shape)).astype(np.float32)


def test_the_probe_hears_what_it_was_taught() -> None:
    emotions = ["sad", "proud"] * 20
    probe = train(vectors(emotions, 1), emotions, [f"text {at}" for at in range(40)])
    assert probe.emotions(vectors(["proud", "sad"], 3)) == ["proud", "sad"]
    assert probe.accuracy.value == 1
    assert probe.confusion() == {"proud": {"proud": 20}, "sad": {"sad": 20}}
    assert probe.emotions(np.zeros((0, 2), np.float32)) == []


def test_a_text_that_it_read_says_nothing_of_what_it_is_worth() -> None:
    """Each text has a direction and an emotion of its own, so that a remembered one would be right."""
    draws = np.random.default_rng(1)
    texts = [f"text {at % 20}" for at in range(200)]
    directions = {text: draws.normal(size=64) for text in texts}
    emotions = [("sad", "proud")[int(text.split()[1]) % 2] for text in texts]
    probe = train(np.array([directions[text] for text in texts], dtype=np.float32), emotions, texts)
    assert 0.2 < probe.accuracy.value < 0.8
    assert set(probe.accuracy.numerator) == set(texts)  # a text that is there ten times is one unit


@pytest.mark.parametrize(
    ("emotions", "count", "message"),
    [
        (["sad"] * 6, 6, "1 emotion"),
        (["sad", "proud"] * 3, 4, "4 different situation"),
        (["sad"] * 5 + ["proud"], 6, "1 emotion"),
        (["proud"] + ["sad"] * 4 + ["proud"], 6, "too few situations of other emotions than 'sad'"),
    ],
)
def test_too_little_teaches_nothing(emotions: list[str], count: int, message: str) -> None:
    with pytest.raises(AttuneError, match=message):
        train(vectors(emotions, 1), emotions, [f"text {at % count}" for at in range(6)])
