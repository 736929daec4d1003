"""Aggregate rows per reply into scores with intervals, and paired comparisons of systems.

A system is a generator in one variant: plain, or with retrieved passages.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import pandas as pd

from attune.evaluation.comparison import Comparison
from attune.evaluation.generation.semantics import SCORES
from attune.evaluation.schemas import PLAIN
from attune.metrics.bleu import overlap, self_bleu
from attune.metrics.bootstrap import Ratio, compare, interval
from attune.metrics.replies import distinct, reply_scores

Rows = Sequence[Mapping[str, Any]]
# The true replies, scored as a system's are: what a good system may reach.
TARGETS = "targets"
PLACES = 4  # decimals of the scores


class Score(NamedTuple):
    """A score's name, value and, where it was estimated, the bounds of its 95 % interval."""

    score: str
    value: float
    low: float | None = None
    high: float | None = None


def system_of(generator: str, variant: str) -> str:
    """The system's name: gpt2_full, gpt2_full+rag."""
    return generator if variant == PLAIN else f"{generator}+{variant}"


def by_system(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of each system, systems in the order of their first row."""
    systems: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        systems.setdefault(system_of(row["generator"], row["variant"]), []).append(row)
    return systems


def targets_of(rows: Rows) -> list[dict[str, Any]]:
    """One row per example with a reply, its reply replaced by its target."""
    replied = {row["id"]: row for row in rows if row["reply"] is not None}
    return [
        {**row, "generator": TARGETS, "variant": PLAIN, "reply": row["target"], "truncated": False}
        for row in replied.values()
    ]


def scores(systems: Mapping[str, Rows], seed: int) -> pd.DataFrame:
    """The columns system, score, value, low and high; the targets have no loss, as no generator wrote them."""
    return table(
        {
            (system,): (_losses(rows, seed) if system != TARGETS else []) + _replies(rows, seed)
            for system, rows in systems.items()
        },
        ("system",),
    )


def sweep_scores(points: Mapping[tuple[str, str], Rows], seed: int) -> pd.DataFrame:
    """The columns generator, point, score, value, low and high of the replies at each point of a decoding sweep."""
    return table(
        {point: _diversity([row["reply"] for row in rows]) + _means(rows, seed) for point, rows in points.items()},
        ("generator", "point"),
    )


def table(groups: Mapping[tuple[str, ...], Sequence[Score]], keys: Sequence[str]) -> pd.DataFrame:
    """A tidy table, one row per group and score; `keys` name the parts of a group. Counts stay whole numbers."""
    rows = [(*key, *score) for key, scores in groups.items() for score in scores]
    frame = pd.DataFrame(rows, columns=[*keys, *Score._fields], dtype=object)
    return frame.astype({"low": float, "high": float})


def comparisons(systems: Mapping[str, Rows], generators: Sequence[str], seed: int) -> list[Comparison]:
    """Each generator's base and itself, then itself and each of its variants, on the same examples.

    `loss` is in nats per token; `loss_target_not_given` is over the rows in which no passage contains the target.
    """
    results = []
    for name in generators:
        plain = systems[name]
        test = compare([nats_per_token(plain, "base_nats")], [nats_per_token(plain)], seed)
        results.append(Comparison.of(f"base of {name}", name, "loss", test))
        for other in systems:
            if other.startswith(f"{name}+"):
                pairs = _pairs(plain, systems[other])
                results += [
                    Comparison.of(name, other, score, compare([before], [after], seed))
                    for score, (before, after) in pairs.items()
                ]
    return results


def _pairs(plain: Rows, other: Rows) -> dict[str, tuple[Ratio, Ratio]]:
    """The scores that are compared, each before and after."""
    pairs = {"loss": (nats_per_token(plain), nats_per_token(other))}
    new = {row["id"] for row in other if not row["target_given"]}
    if new:
        before, after = ([row for row in rows if row["id"] in new] for rows in (plain, other))
        pairs["loss_target_not_given"] = nats_per_token(before), nats_per_token(after)
    left, right = means(plain), means(other)
    return pairs | {score: (left[score], right[score]) for score in SCORES if score in left}


def nats_per_token(rows: Rows, column: str = "nats") -> Ratio:
    """The mean loss over reply tokens, whose exponential is the perplexity; conversations are the units."""
    return Ratio.of((row["conversation"], row[column], row["tokens"]) for row in rows)


def means(rows: Rows) -> dict[str, Ratio]:
    """The scores that are means over replies: those of `metrics.replies`, and the semantic ones where rows have any."""
    values: dict[str, list[tuple[str, float, float]]] = {}
    for row in rows:
        if row["reply"] is None:
            continue
        counted = reply_scores(row["reply"], row["prompt"], row["truncated"])
        each = {f"replies_{name}": value for name, value in counted}
        each |= {name: row[name] for name in SCORES if row.get(name) is not None}
        for name, value in each.items():
            values.setdefault(name, []).append((row["conversation"], value, 1.0))
    return {name: Ratio.of(triples) for name, triples in values.items()}


def _losses(rows: Rows, seed: int) -> list[Score]:
    """Perplexity and what the prompts contained.

    passages: the mean number per prompt. target_given: the share of prompts with a passage that contains the target.
    """
    loss = nats_per_token(rows)
    low, high = interval([loss], seed)
    scores = [
        Score("perplexity", *(round(math.exp(nats), PLACES) for nats in (loss.value, low, high))),
        Score("base_perplexity", round(math.exp(nats_per_token(rows, "base_nats").value), PLACES)),
    ]
    if any(row["passages"] for row in rows):
        for name in ("passages", "target_given"):
            scores.append(Score(name, round(fmean(row[name] for row in rows), PLACES)))
    return [*scores, Score("tokens", sum(row["tokens"] for row in rows)), Score("examples", len(rows))]


def _replies(rows: Rows, seed: int) -> list[Score]:
    replied = [row for row in rows if row["reply"] is not None]
    replies = [row["reply"] for row in replied]
    overlaps = overlap(replies, [row["target"] for row in replied]) if replied else {}
    together = [Score(name, round(value, PLACES)) for name, value in overlaps.items()]
    return _means(rows, seed) + _diversity(replies) + together + [Score("replies", len(replied))]


def _means(rows: Rows, seed: int) -> list[Score]:
    return [
        Score(name, *(round(value, PLACES) for value in (ratio.value, *interval([ratio], seed))))
        for name, ratio in means(rows).items()
    ]


def _diversity(replies: Sequence[str]) -> list[Score]:
    """How much the replies to different prompts differ."""
    values = {f"distinct_{n}": distinct(replies, n) for n in (1, 2)} | {"self_bleu": self_bleu(replies)}
    return [Score(name, round(value, PLACES)) for name, value in values.items()]
