"""Scores of models that were trained with several seeds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from attune.evaluation.comparison import PLACES
from attune.metrics.hierarchical import over_seeds
from attune.metrics.ratio import Ratio

METHOD = (
    "hierarchical bootstrap: seeds and test units are drawn with replacement, units once for all seeds "
    "(Davison and Hinkley 1997, section 3.8; Owen 2007); the interval of an MRR "
    "holds two, by the people who reply and by those who are answered"
)
# Of one model: its ratio by seed.
BySeed = Mapping[int, Ratio]


def ranking_records(models: Mapping[str, Mapping[str, BySeed]], domain: str, seed: int) -> list[dict[str, Any]]:
    """One record per model, MRR, and one per pair of models, the second one's MRR less the first one's.

    models: of each its ratios by the kind of units (`ranking.summary.either`).
    """
    about = {"domain": domain, "score": "mrr"}
    records = [{"model": name, **about, **_estimate(kinds, seed)} for name, kinds in models.items()]
    for before, after in combinations(models, 2):
        gains = {
            kind: {each: ratio.above(models[before][kind][each]) for each, ratio in by_seed.items()}
            for kind, by_seed in models[after].items()
        }
        records.append({"before": before, "after": after, **about, **_estimate(gains, seed)})
    return records


def generator_record(name: str, by_seed: BySeed, seed: int) -> dict[str, Any]:
    """The perplexity of a generator, from nats per token by conversation."""
    return {"model": name, "score": "perplexity", **_estimate({"nats": by_seed}, seed, np.exp)}


def _estimate(
    kinds: Mapping[str, BySeed], seed: int, score: Callable[[Any], Any] = lambda ratios: ratios
) -> dict[str, Any]:
    """The interval holds those by each kind of units."""
    estimates = [over_seeds(by_seed, seed, score) for by_seed in kinds.values()]
    low, high = min(each.low for each in estimates), max(each.high for each in estimates)
    by_seed = next(iter(kinds.values()))
    return {
        **{key: round(value, PLACES) for key, value in vars(replace(estimates[0], low=low, high=high)).items()},
        "by_seed": {str(each): round(float(score(ratio.value)), PLACES) for each, ratio in by_seed.items()},
    }
