from typing import Any

import numpy as np

from attune.evaluation.generation.semantics import (
    trained_probe,
    with_passage_similarity,
    with_semantics,
    with_similarity,
)

AXES = {"sad": [1.0, 0.0], "proud": [0.0, 1.0]}


class Encoder:
    """A text's embedding is the axis of the emotion that it names."""

    def encode(self, texts: list[str], **_: Any) -> np.ndarray:
        return np.array([AXES["sad" if "sad" in text else "proud"] for text in texts], dtype=np.float32)


SITUATIONS = [
    {"situation": f"I felt {emotion} on day {at}.", "emotion": emotion} for at in range(6) for emotion in AXES
]


def test_replies_are_compared_with_target_and_prompt() -> None:
    probe = trained_probe(SITUATIONS, Encoder(), batch_size=4)
    rows = [
        {"reply": "sad", "target": "so sad", "prompt": "proud"},
        {"reply": " ", "target": "proud", "prompt": "proud"},
        {"reply": None, "target": "so sad", "prompt": "sad"},
        {"reply": "proud", "target": "so sad", "prompt": "proud"},
    ]
    found = with_semantics(rows, probe, Encoder(), batch_size=4)
    names = ("similarity", "emotion", "prompt_emotion", "emotion_match")
    assert [tuple(each.get(name) for name in names) for each in found] == [
        (1.0, "sad", "proud", 0.0),
        (0.0, None, "proud", 0.0),  # though it is embedded as what is proud
        (None, None, None, None),
        (0.0, "proud", "proud", 1.0),
    ]
    assert rows[0] == {"reply": "sad", "target": "so sad", "prompt": "proud"}  # not changed


def test_replies_are_compared_with_their_targets() -> None:
    pairs = {"sad": "so sad", "proud": "so sad", "": "proud"}
    rows = [{"reply": reply, "target": target} for reply, target in pairs.items()]
    assert [row["similarity"] for row in with_similarity(rows, Encoder(), 4)] == [1.0, 0.0, 0.0]


def test_the_most_similar_passage_counts() -> None:
    replies = (["proud", "sad"], [], ["proud"])
    rows = [{"passage_replies": each, "target": "so sad"} for each in replies]
    assert [row["passage_similarity"] for row in with_passage_similarity(rows, Encoder(), 4)] == [1.0, None, 0.0]
