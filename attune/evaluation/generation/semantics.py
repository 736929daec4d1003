"""What sentence embeddings say about replies: their similarity to the target, and the emotions of prompt and reply."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from attune.evaluation.generation.emotion_probe import Probe, train
from attune.index.embedding import embed

# EPITOME's mechanisms of empathy, whose levels rows have where the user has its labels (`generation.empathy`).
EMPATHY = ("emotional_reactions", "interpretations", "explorations")
# The columns that are scores: each is reported as its mean over replies.
SCORES = ("similarity", "emotion_match", *EMPATHY)


def trained_probe(situations: Sequence[Mapping[str, Any]], encoder: Any, batch_size: int) -> Probe:
    """The emotion probe of conversations with a `situation` and an `emotion`.

    Raises
    ------
    AttuneError
        if the situations are too few, or of one emotion.
    """
    texts = [row["situation"] for row in situations]
    return train(embed(encoder, texts, batch_size), [row["emotion"] for row in situations], texts)


def with_semantics(
    rows: Sequence[Mapping[str, Any]], probe: Probe, encoder: Any, batch_size: int
) -> list[dict[str, Any]]:
    """The rows, those with a reply completed by their similarity and emotions, as `schemas.SCORED` has them.

    An empty reply has the similarity 0 and no emotion.
    """
    replied = [row for row in rows if row["reply"] is not None]
    replies, targets, prompts = (
        embed(encoder, [row[column] for row in replied], batch_size) for column in ("reply", "target", "prompt")
    )
    columns = zip(replied, replies, targets, probe.emotions(replies), probe.emotions(prompts), strict=True)
    semantics = iter([_semantics(*each) for each in columns])
    return [{**row, **({} if row["reply"] is None else next(semantics))} for row in rows]


def with_similarity(rows: Sequence[Mapping[str, Any]], encoder: Any, batch_size: int) -> list[dict[str, Any]]:
    """The rows, each with its reply's similarity to the target; 0 for an empty reply."""
    replies, targets = (embed(encoder, [row[column] for row in rows], batch_size) for column in ("reply", "target"))
    columns = zip(rows, replies, targets, strict=True)
    return [{**row, "similarity": _similarity(row, reply, target)} for row, reply, target in columns]


def _semantics(row: Mapping[str, Any], reply: Any, target: Any, emotion: str, prompt_emotion: str) -> dict[str, Any]:
    empty = not row["reply"].strip()
    return {
        "similarity": _similarity(row, reply, target),
        "emotion": None if empty else emotion,
        "prompt_emotion": prompt_emotion,
        "emotion_match": float(not empty and emotion == prompt_emotion),
    }


def _similarity(row: Mapping[str, Any], reply: Any, target: Any) -> float:
    return float(reply @ target) if row["reply"].strip() else 0.0


def with_passage_similarity(rows: Sequence[Mapping[str, Any]], encoder: Any, batch_size: int) -> list[dict[str, Any]]:
    """The rows, each with the highest cosine of a passage's reply and the target; None without passages."""
    replies = embed(encoder, [reply for row in rows for reply in row["passage_replies"]], batch_size)
    targets = embed(encoder, [row["target"] for row in rows], batch_size)
    parts = _parts(replies, [len(row["passage_replies"]) for row in rows])
    return [
        {**row, "passage_similarity": float((part @ target).max()) if len(part) else None}
        for row, part, target in zip(rows, parts, targets, strict=True)
    ]


def _parts(vectors: np.ndarray, sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """The rows of `vectors` in groups of these sizes."""
    start = 0
    for size in sizes:
        yield vectors[start : start + size]
        start += size
