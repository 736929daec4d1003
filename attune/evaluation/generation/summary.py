"""From the rows that generators were evaluated to, to what is reported: scores with intervals, and paired tests."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from attune.evaluation.schemas import PLAIN
from attune.metrics.bleu import overlap, self_bleu
from attune.metrics.bootstrap import Ratio, compare, interval, rounded, with_intervals
from attune.metrics.replies import distinct, faults

Rows = Sequence[Mapping[str, Any]]
# The true replies, scored as a system's are: what a good one may reach.
TARGETS = "targets"
# What a row may have beside its faults, each a mean over replies: the cosine of reply and target, and whether the
# emotion probe hears the same in the reply as in what was said.
MEANINGS = ("similarity", "emotion_match")
# Of scores and of tests, where they are written.
PLACES, TEST_PLACES = 4, 6


def system_of(generator: str, variant: str) -> str:
    """What a generator with or without passages is called: gpt2_full, gpt2_full+rag."""
    return generator if variant == PLAIN else f"{generator}+{variant}"


def by_system(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    systems: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        systems.setdefault(system_of(row["generator"], row["variant"]), []).append(row)
    return systems


def targets_of(rows: Rows) -> list[dict[str, Any]]:
    """The rows with the target in the place of the reply, each once."""
    written = {row["id"]: row for row in rows if row["reply"] is not None}
    return [
        {**row, "generator": TARGETS, "variant": PLAIN, "reply": row["target"], "cut": False}
        for row in written.values()
    ]


def nats_a_token(rows: Rows, of: str = "nats") -> Ratio:
    """The mean loss over reply tokens, whose exponential is the perplexity."""
    return Ratio.of((row["conversation"], row[of], row["tokens"]) for row in rows)


def means(rows: Rows) -> dict[str, Ratio]:
    """What is a mean over the written replies: each of `reply_scores.faults`, and of MEANINGS where rows have it."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for row in rows:
        if row["reply"] is None:
            continue
        values = {f"replies_{name}": value for name, value in faults(row["reply"], row["prompt"], row["cut"])}
        values |= {name: row[name] for name in MEANINGS if row.get(name) is not None}
        for name, value in values.items():
            found.setdefault(name, []).append((row["conversation"], value, 1.0))
    return {name: Ratio.of(values) for name, values in found.items()}


def variety(replies: Sequence[str]) -> dict[str, float]:
    """How much replies to different people differ."""
    return {f"distinct_{n}": distinct(replies, n) for n in (1, 2)} | {"self_bleu": self_bleu(replies)}


def _together(rows: Rows) -> dict[str, float]:
    """What is a property of all replies together: variety, and overlap with the targets."""
    written = [row for row in rows if row["reply"] is not None]
    replies = [row["reply"] for row in written]
    return variety(replies) | (overlap(replies, [row["target"] for row in written]) if written else {})


def scores(rows: Rows) -> dict[str, float]:
    """One system's scores: perplexity beside its base's, counts, and what its replies are like.

    passages: the mean number in a prompt; target_given: the share of prompts with a passage that holds the target.
    """
    found: dict[str, float] = {
        "perplexity": math.exp(nats_a_token(rows).value),
        "base_perplexity": math.exp(nats_a_token(rows, "base_nats").value),
    }
    if any(row["passages"] for row in rows):
        found |= {"passages": fmean(row["passages"] for row in rows)}
        found |= {"target_given": fmean(row["target_given"] for row in rows)}
    counts = {"tokens": sum(row["tokens"] for row in rows), "examples": len(rows)}
    return rounded(found, PLACES) | replies_scores(rows) | counts


def replies_scores(rows: Rows) -> dict[str, float]:
    """The scores that need replies alone."""
    found = {name: ratio.value for name, ratio in means(rows).items()} | _together(rows)
    return rounded(found, PLACES) | {"replies": sum(row["reply"] is not None for row in rows)}


def with_interval(ratios: Mapping[str, Ratio], seed: int) -> dict[str, float]:
    """{score, score_low, score_high} of each."""
    return with_intervals({name: [ratio] for name, ratio in ratios.items()}, seed, PLACES)


def intervals(rows: Rows, seed: int) -> dict[str, float]:
    """One system's perplexity and means with their intervals."""
    loss = nats_a_token(rows)
    low, high = interval([loss], seed)
    found = {"perplexity": loss.value, "perplexity_low": low, "perplexity_high": high}
    found = rounded({name: math.exp(value) for name, value in found.items()}, PLACES)
    return found | with_interval(means(rows), seed)


def _losses(plain: Rows, other: Rows, seed: int) -> dict[str, dict[str, float]]:
    """How the loss with passages differs, on all rows and on those where no passage holds the target itself."""
    found = {"loss": compare([nats_a_token(plain)], [nats_a_token(other)], seed)}
    new = {row["id"] for row in other if not row["target_given"]}
    if new:
        before, after = ([row for row in rows if row["id"] in new] for rows in (plain, other))
        found["loss_target_not_given"] = compare([nats_a_token(before)], [nats_a_token(after)], seed)
    return found


def tests(systems: Mapping[str, Rows], generators: Sequence[str], seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """{"a to b": {score: how b's differs from a's}}: each generator's base to it, and it to its variants.

    `loss` is in nats a token; `loss_target_not_given` is of the rows where no passage holds the target.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in generators:
        plain = systems[name]
        own, before = nats_a_token(plain), means(plain)
        found[f"base of {name} to {name}"] = {"loss": compare([nats_a_token(plain, "base_nats")], [own], seed)}
        for other in systems:
            if not other.startswith(f"{name}+"):
                continue
            after = means(systems[other])
            found[f"{name} to {other}"] = _losses(plain, systems[other], seed) | {
                score: compare([before[score]], [after[score]], seed) for score in MEANINGS if score in before
            }
    return {pair: {score: rounded(test, TEST_PLACES) for score, test in tests.items()} for pair, tests in found.items()}
