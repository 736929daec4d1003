"""Is a difference real? Bootstrap intervals and paired tests over test examples.

A score is a mean over examples, so a run on other examples would have given another: the interval says how far that
goes. Where domains share examples, as `all` does with the other two, an example is drawn or left out in all of them.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from attune.determinism import seeded

RESAMPLES = 10_000
LEVEL = 0.95

# Per domain: the examples' values by id.
Values = Sequence[Mapping[str, float]]


def mean(domains: Values) -> float:
    """The mean over domains of each domain's mean over examples."""
    return fmean(fmean(values.values()) for values in domains)


def interval(domains: Values, seed: int) -> tuple[float, float]:
    """95 percent interval of `mean` (percentile bootstrap over ids; Efron and Tibshirani 1993, section 13.3)."""
    means = _resampled(domains, seed)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def compare(left: Values, right: Values, seed: int) -> dict[str, float]:
    """Paired: by how much `right`'s mean is above `left`'s on the same examples, its interval, and p.

    p is the two-sided randomisation test's: how often exchanging the two systems' values, example by example, gives a
    difference at least as large (Smucker et al. 2007, section 3.1).

    Raises
    ------
    ValueError
        if the two sides have other examples.
    """
    if [set(values) for values in left] != [set(values) for values in right]:
        raise ValueError("a paired test needs both systems' values on the same examples")
    differences = [
        {name: after[name] - before[name] for name in before} for before, after in zip(left, right, strict=True)
    ]
    found = mean(differences)
    low, high = interval(differences, seed)
    table = _table(differences)
    signs = generator(seed, "signs").choice(np.array([-1.0, 1.0]), size=(RESAMPLES, table.shape[1]))
    sizes = (~np.isnan(table)).sum(1, keepdims=True)
    exchanged = signs @ (np.nan_to_num(table) / sizes).mean(0)
    extreme = int((np.abs(exchanged) >= abs(found) - 1e-12).sum())
    return {"difference": found, "low": low, "high": high, "p": (extreme + 1) / (RESAMPLES + 1)}


def _resampled(domains: Values, seed: int) -> np.ndarray:
    table = _table(domains)
    count = table.shape[1]
    weights = generator(seed, "bootstrap").multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)
    totals = weights @ np.nan_to_num(table).T
    sizes = weights @ (~np.isnan(table)).astype(float).T
    return (totals / np.maximum(sizes, 1)).mean(1)


def _table(domains: Values) -> np.ndarray:
    """(domains, ids), in order of the ids; nan where a domain lacks an example."""
    names = sorted({name for values in domains for name in values})
    return np.array([[values.get(name, np.nan) for name in names] for values in domains])


def generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(seeded(seed, purpose).getrandbits(64))


def with_intervals(scores: Mapping[str, Values], seed: int) -> dict[str, Any]:
    """{score: mean, score_low, score_high} of each score, rounded to six places."""
    found: dict[str, Any] = {}
    for name, values in scores.items():
        low, high = interval(values, seed)
        found |= {name: round(mean(values), 6), f"{name}_low": round(low, 6), f"{name}_high": round(high, 6)}
    return found
