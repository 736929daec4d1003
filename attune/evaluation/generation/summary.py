"""Aggregate rows per reply into scores with intervals.

A system is a generator in one variant: plain, with retrieved passages, or with another persona or none.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import pandas as pd

from attune.evaluation.generation.semantics import SCORES
from attune.evaluation.schemas import PLAIN
from attune.evaluation.units import by_unit, enough_clusters
from attune.metrics.bleu import overlap, self_bleu
from attune.metrics.bootstrap import interval
from attune.metrics.ratio import Ratio
from attune.metrics.replies import distinct, reply_scores

Rows = Sequence[Mapping[str, Any]]
# The true replies, scored as a system's are: what a good system may reach.
TARGETS = "targets"
PLACES = 4  # decimals of the scores
# From this cosine on, a passage's reply counts as like the target. Of the pairs of unrelated replies in
# EmpatheticDialogues (6,000 train, 300 test replies), one in 500 reaches it, and half of all pairs are below 0.1.
LIKE_TARGET = 0.5
# The means over replies that are shares of the replies.
_SHARES = {
    "emotion_match", "replies_empty", "replies_truncated", "replies_starts_with_input", "replies_extra_turn",
    "replies_repeated_sentences",
}  # fmt: skip
# Counts, what is told of prompts and bases, and scores of all replies together.
_WITHOUT_INTERVALS = {
    "tokens", "examples", "replies", "base_perplexity", "passages", "target_given", "distinct_1", "distinct_2",
    "self_bleu", "bleu", "chrf",
}  # fmt: skip


class Score(NamedTuple):
    """A score's name, value and, where it was estimated, the bounds of its 95 % interval."""

    score: str
    value: float
    low: float | None = None
    high: float | None = None


def system_of(generator: str, variant: str) -> str:
    """The system's name: full, full+rag."""
    return generator if variant == PLAIN else f"{generator}+{variant}"


def by_system(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of each system, systems in the order of their first row; `rows` are of generators and their variants."""
    return grouped([{"system": system_of(row["generator"], row["variant"]), **row} for row in rows])


def grouped(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """The rows by their `system`, systems in the order of their first row."""
    systems: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        systems.setdefault(row["system"], []).append(row)
    return systems


def targets_of(rows: Rows) -> list[dict[str, Any]]:
    """One row per example with a reply, its reply replaced by its target."""
    replied = {row["id"]: row for row in rows if row["reply"] is not None}
    return [
        {**row, "generator": TARGETS, "variant": PLAIN, "reply": row["target"], "truncated": False}
        for row in replied.values()
    ]


def true_answers(rows: Rows) -> list[dict[str, Any]]:
    """One row per answered context, its reply replaced by its target."""
    contexts = {row["id"]: row for row in rows}
    return [{**row, "system": TARGETS, "reply": row["target"], "truncated": False} for row in contexts.values()]


def scores(systems: Mapping[str, Rows], seed: int) -> pd.DataFrame:
    """The columns system, score, value, low and high; the targets have no loss, as no generator wrote them."""
    return table(
        {
            (system,): (_losses(rows, seed) if system != TARGETS else []) + _replies(rows, seed)
            for system, rows in systems.items()
        },
        ("system",),
    )


def answer_scores(systems: Mapping[str, Rows], seed: int) -> pd.DataFrame:
    """The columns of `scores`, of replies alone."""
    return table({(system,): _replies(rows, seed) for system, rows in systems.items()}, ("system",))


def table(groups: Mapping[tuple[str, ...], Sequence[Score]], keys: Sequence[str]) -> pd.DataFrame:
    """A tidy table, one row per group and score; `keys` name the parts of a group. Counts stay whole numbers."""
    rows = [(*key, *score) for key, scores in groups.items() for score in scores]
    frame = pd.DataFrame(rows, columns=[*keys, *Score._fields], dtype=object)
    return frame.astype({"low": float, "high": float})


def estimated_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of those scores that have intervals, also where few units, or such as all agree, leave them without."""
    return scores[~scores["score"].isin(_WITHOUT_INTERVALS)]


def nats_per_token(rows: Rows, column: str = "nats", clustered: bool | None = None) -> Ratio:
    """The mean loss over reply tokens, whose exponential is the perplexity, by unit (`evaluation.units`)."""
    nats, tokens = ([row[name] for row in rows] for name in (column, "tokens"))
    return by_unit(rows, "conversation", nats, tokens, clustered=clustered)


def means(rows: Rows) -> dict[str, Ratio]:
    """The scores that are means over replies: those of `metrics.replies`, and the semantic ones where rows have any."""
    values: dict[str, list[float]] = {}
    having: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["reply"] is None:
            continue
        counted = reply_scores(row["reply"], row["prompt"], row["truncated"])
        each = {f"replies_{name}": value for name, value in counted}
        each |= {name: row[name] for name in SCORES if row.get(name) is not None}
        for name, value in each.items():
            values.setdefault(name, []).append(value)
            having.setdefault(name, []).append(row)
    clustered = enough_clusters(row for row in rows if row["reply"] is not None)
    return {
        name: by_unit(having[name], "conversation", each, share=name in _SHARES, clustered=clustered)
        for name, each in values.items()
    }


def _losses(rows: Rows, seed: int) -> list[Score]:
    """Perplexity and what the prompts contained."""
    loss = nats_per_token(rows)
    scores = [
        Score("perplexity", *(round(math.exp(nats), PLACES) for nats in (loss.value, *(interval([loss], seed) or ())))),
        Score("base_perplexity", round(math.exp(nats_per_token(rows, "base_nats").value), PLACES)),
        *_passages(rows, seed),
    ]
    return [*scores, Score("tokens", sum(row["tokens"] for row in rows)), Score("examples", len(rows))]


def _passages(rows: Rows, seed: int) -> list[Score]:
    """passages: the mean number per prompt. target_given: the share of prompts with a passage that contains the target.

    passage_similarity: of the reply in a passage and the target, the most similar one of each prompt with passages.
    passage_like_target: the share of all prompts in which that is at least LIKE_TARGET.
    """
    having = [row for row in rows if row["passage_replies"]]
    if not having:
        return []
    similarities, clustered = [row["passage_similarity"] for row in having], enough_clusters(rows)
    similarity = by_unit(having, "conversation", similarities, clustered=clustered)
    likes = [float((row["passage_similarity"] or 0.0) >= LIKE_TARGET) for row in rows]
    return [
        Score("passages", round(fmean(len(row["passage_replies"]) for row in rows), PLACES)),
        Score("target_given", round(fmean(row["target_given"] for row in rows), PLACES)),
        estimated("passage_similarity", similarity, seed),
        estimated("passage_like_target", by_unit(rows, "conversation", likes, share=True), seed),
    ]


def _replies(rows: Rows, seed: int) -> list[Score]:
    replied = [row for row in rows if row["reply"] is not None]
    if not replied:
        return []
    replies = [row["reply"] for row in replied]
    overlaps = overlap(replies, [row["target"] for row in replied])
    together = [Score(name, round(value, PLACES)) for name, value in overlaps.items()]
    return mean_scores(rows, seed) + diversity(replies) + together + [Score("replies", len(replied))]


def mean_scores(rows: Rows, seed: int) -> list[Score]:
    """The scores that are means over replies, with their intervals."""
    return [estimated(name, ratio, seed) for name, ratio in means(rows).items()]


def estimated(name: str, ratio: Ratio, seed: int) -> Score:
    """A score with its interval, if it has one."""
    return Score(name, *(round(value, PLACES) for value in (ratio.value, *(interval([ratio], seed) or ()))))


def diversity(replies: Sequence[str]) -> list[Score]:
    """How much the replies to different prompts differ."""
    values = {f"distinct_{n}": distinct(replies, n) for n in (1, 2)} | {"self_bleu": self_bleu(replies)}
    return [Score(name, round(value, PLACES)) for name, value in values.items()]
