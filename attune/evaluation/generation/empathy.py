"""How empathetic a reply is, by EPITOME's three mechanisms: linear probes on sentence embeddings of message and reply.

The labels are in `attune.corpora.epitome`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from attune.corpora.empathy_labels import why_untrainable
from attune.corpora.epitome import EPITOME
from attune.corpora.reading import BadRows
from attune.evaluation.generation.probes import CrossFitted
from attune.index.embedding import embed
from attune.metrics.bootstrap import with_intervals

PLACES = 4


@dataclass(frozen=True)
class EmpathyProbe(CrossFitted[int]):
    """A classifier of one mechanism's level. texts: of each reply, the sp_id of the post that it answers."""

    def levels(self, vectors: np.ndarray) -> list[float]:
        """The expected level of each row of `features`, from 0 to 2."""
        return (self.model.predict_proba(vectors) @ self.model.classes_).tolist()

    def quality(self, seed: int) -> dict[str, Any]:
        """Accuracy with its interval, macro-averaged F1, and what always guessing the commonest level would reach."""
        from sklearn.metrics import f1_score

        ((commonest, count),) = Counter(self.truths).most_common(1)
        scores = {
            "f1": f1_score(self.truths, self.guesses, average="macro", zero_division=0.0),
            "chance_accuracy": count / len(self.truths),
            "chance_f1": f1_score(self.truths, [commonest] * len(self.truths), average="macro", zero_division=0.0),
        }
        accuracy = with_intervals({"accuracy": [self.accuracy]}, seed, PLACES)
        return (
            accuracy
            | {name: round(float(each), PLACES) for name, each in scores.items()}
            | {"replies": len(self.texts)}
        )


def trained_probes(folder: Path | None, encoder: Any, batch_size: int) -> dict[str, EmpathyProbe]:
    """A probe for each mechanism, from EPITOME's files in `folder`, malformed rows left out; none without a folder.

    Raises
    ------
    AttuneError
        as `train`, and as the corpus' `files` and `read` do.
    """
    if folder is None:
        return {}
    probes = {}
    for mechanism, path in EPITOME.files(folder).items():
        rows = list(EPITOME.read(path, BadRows("skip")))
        vectors = features(encoder, [(row["seeker_post"], row["response_post"]) for row in rows], batch_size)
        probes[mechanism] = train(vectors, [row["level"] for row in rows], [row["sp_id"] for row in rows])
    return probes


def features(encoder: Any, exchanges: Sequence[tuple[str, str]], batch_size: int) -> np.ndarray:
    """(n, 2 d): the embeddings of each message and of the reply to it."""
    return np.hstack([embed(encoder, [each[side] for each in exchanges], batch_size) for side in (0, 1)])


def train(vectors: np.ndarray, levels: Sequence[int], posts: Sequence[str]) -> EmpathyProbe:
    """Logistic regression on the `features` of replies to `posts`; raises as `CrossFitted.train`."""
    from sklearn.linear_model import LogisticRegression

    return EmpathyProbe.train(LogisticRegression(max_iter=1000), vectors, levels, posts, why_untrainable)


def with_empathy(
    rows: Sequence[Mapping[str, Any]], probes: Mapping[str, EmpathyProbe], encoder: Any, batch_size: int
) -> list[dict[str, Any]]:
    """The rows, those with a reply completed by its expected level of each mechanism; without probes as they are.

    An empty reply has the level 0 of each.
    """
    replied = [row for row in rows if probes and row["reply"] is not None]
    if not replied:
        return [dict(row) for row in rows]
    vectors = features(encoder, [(row["prompt"], row["reply"]) for row in replied], batch_size)
    levels = {mechanism: iter(probe.levels(vectors)) for mechanism, probe in probes.items()}

    def heard(row: Mapping[str, Any]) -> dict[str, float]:
        found = {mechanism: next(each) for mechanism, each in levels.items()}
        return found if row["reply"].strip() else dict.fromkeys(found, 0.0)

    return [{**row, **({} if row["reply"] is None else heard(row))} for row in rows]


def with_columns(schema: pa.Schema, probes: Mapping[str, EmpathyProbe]) -> pa.Schema:
    """The schema with a column for each probe's levels."""
    return pa.schema([*schema, *((mechanism, pa.float64()) for mechanism in probes)])


def qualities(probes: Mapping[str, EmpathyProbe], seed: int) -> dict[str, Any]:
    """`empathy` for the probe's metrics: each probe's held-out scores; nothing without probes."""
    return {"empathy": {name: probe.quality(seed) for name, probe in probes.items()}} if probes else {}
