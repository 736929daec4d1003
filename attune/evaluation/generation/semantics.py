"""What sentence embeddings say about replies: their similarity to the target, and the emotions of prompt and reply."""

from collections.abc import Mapping, Sequence
from typing import Any

from attune.evaluation.generation.emotion_probe import Probe, train
from attune.index.embedding import embed

# The columns that are scores: each is reported as its mean over replies.
SCORES = ("similarity", "emotion_match")


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
    """The rows, those with a reply completed to the columns of `schemas.SCORED`.

    An empty reply has the similarity 0 and no emotion.
    """
    replied = [row for row in rows if row["reply"] is not None]
    replies, targets, prompts = (
        embed(encoder, [row[column] for row in replied], batch_size) for column in ("reply", "target", "prompt")
    )
    columns = zip(replied, replies, targets, probe.emotions(replies), probe.emotions(prompts), strict=True)
    semantics = iter([_semantics(*each) for each in columns])
    return [{**row, **({} if row["reply"] is None else next(semantics))} for row in rows]


def _semantics(row: Mapping[str, Any], reply: Any, target: Any, emotion: str, prompt_emotion: str) -> dict[str, Any]:
    empty = not row["reply"].strip()
    return {
        "similarity": 0.0 if empty else float(reply @ target),
        "emotion": None if empty else emotion,
        "prompt_emotion": prompt_emotion,
        "emotion_match": float(not empty and emotion == prompt_emotion),
    }
