"""What a test of so many contexts can tell: simulated test sets, drawn from ranked rows.

A model here is one of a subset and domain, as trained by one recipe; two recipes are compared on the contexts of each.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy.special import stdtrit

from attune.core.determinism import seeded
from attune.evaluation.comparison import corrected
from attune.evaluation.ranking.summary import Rows, comparisons, labelled, scores, values_of
from attune.evaluation.tables import nested

SIMULATIONS = 2000
# Contexts of a simulated test set; the first report's have 20 and 100.
SIZES = (20, 50, 100, 200, 500, 1000, 2000)
FIRST_REPORT_SIZES = (20, 100)
# Differences in MRR that one may want to see.
DIFFERENCES = (0.02, 0.05, 0.1)
LEVEL, POWER = 0.95, 0.8
Pair = tuple[str, str]


def power_of(ranked: Rows, own: Rows, pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    """What tests of the recipes in `pairs` (before, after) can tell, as JSON.

    ranked: rows with subset and domain. own: those of the subsets' own test splits, where they are fewer. The last of
    the pairs up to the second is the one of the first report's finding: its recipe against the paper's.

    interval: half the width of a difference's 95 % interval by the number of contexts. needed: contexts at which the
    interval excludes 0 in 80 % of test sets. outperform: see `outperforming`. own: the scores and tests of `own`.

    Only models of two contexts or more count. Where the differences of a pair vary in none of them, its numbers are
    None: nothing can be estimated from them.
    """
    cells = {pair: _varying(differences(ranked, pair)) for pair in pairs}
    first = pairs[:2][-1]
    return {
        "interval": [
            {**_names(pair), "contexts": size, "half_width": half_width(cells[pair], size, seed)}
            for pair in pairs
            for size in SIZES
        ],
        "needed": [
            {**_names(pair), "difference": each, "contexts": needed(cells[pair], each)}
            for pair in pairs
            for each in DIFFERENCES
        ],
        "outperform": [
            {**_names(first), **outperforming(cells[first], size, each, seed)}
            for size in FIRST_REPORT_SIZES
            for each in (0.0, *DIFFERENCES)
        ],
        "own": _own(ranked, own, pairs, seed),
    }


def differences(ranked: Iterable[Mapping[str, Any]], pair: Pair) -> list[np.ndarray]:
    """(contexts,) differences in reciprocal rank of the pair (before, after), for each subset and domain."""
    ranks: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for row in ranked:
        by_model = ranks.setdefault((row["subset"], row["domain"]), {})
        by_model.setdefault(row["model"], {})[row["id"]] = 1 / row["rank"]
    before, after = pair
    return [
        np.array([models[after][each] - value for each, value in models[before].items()]) for models in ranks.values()
    ]


def _varying(cells: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The cells of two contexts or more, if the differences vary in any of them."""
    known = [each for each in cells if len(each) > 1]
    return known if any(np.ptp(each) > 0 for each in known) else []


def half_width(cells: Sequence[np.ndarray], size: int, seed: int) -> float | None:
    """Half the width of the 95 % interval (Student's t) of a mean of `size` differences, mean over cells and draws.

    None without cells.
    """
    if not cells:
        return None
    return round(float(np.mean([_drawn(each, size, seed)[1].mean() for each in cells])), 6)


def needed(cells: Sequence[np.ndarray], difference: float) -> int | None:
    """Contexts at which a two-sided test at 5 % sees a true `difference` with a power of 80 %; None without cells.

    After Cohen (1988, section 2.4). The standard deviation is that within the cells, of two contexts or more each.
    """
    if not cells:
        return None
    variance = float(np.mean([each.var(ddof=1) for each in cells]))
    normal = NormalDist()
    both = normal.inv_cdf((1 + LEVEL) / 2) + normal.inv_cdf(POWER)
    return max(2, math.ceil(variance * (both / difference) ** 2))


def outperforming(cells: Sequence[np.ndarray], size: int, difference: float, seed: int) -> dict[str, Any]:
    """How many models come out ahead on `size` contexts each, if every one were better by `difference` in truth.

    The contexts are drawn from our differences, moved to that mean (Efron and Tibshirani 1993, section 16.4). better:
    mean number of models with the higher MRR; at_most_half: the share of simulations in which at most half of them have
    it; significant: mean share of models whose 95 % interval is above 0. All three are None without cells.
    """
    if not cells:
        none = dict.fromkeys(("better", "at_most_half", "significant"))
        return {"contexts": size, "difference": difference, "models": 0, **none}
    means, widths = zip(*(_drawn(each - each.mean() + difference, size, seed) for each in cells), strict=True)
    ahead = (np.array(means) > 0).sum(0)
    return {
        "contexts": size,
        "difference": difference,
        "models": len(cells),
        "better": round(float(ahead.mean()), 3),
        "at_most_half": round(float((2 * ahead <= len(cells)).mean()), 4),
        "significant": round(float((np.array(means) > np.array(widths)).mean()), 4),
    }


def _drawn(values: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(simulations,) means of `size` of the values, drawn with replacement, and half the widths of their intervals."""
    draws = np.random.default_rng(seeded(seed, "power", size, values.tobytes().hex()).getrandbits(64))
    counts = draws.multinomial(size, np.full(len(values), 1 / len(values)), SIMULATIONS)
    means = counts @ values / size
    variances = np.maximum(counts @ values**2 / size - means**2, 0) * size / (size - 1)
    return means, stdtrit(size - 1, (1 + LEVEL) / 2) * np.sqrt(variances / size)


def _own(ranked: Rows, own: Rows, pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    """Scores and tests of each subset that is ranked on more than its own test split, on that split alone."""
    tables, tests = {}, []
    for subset in dict.fromkeys(row["subset"] for row in ranked):
        every, few = ([row for row in rows if row["subset"] == subset] for rows in (ranked, own))
        if len(few) == len(every):
            continue
        values = values_of(few)
        tables[subset] = nested(scores(values, seed), ["domain", "model"])
        tests += labelled(comparisons(values, pairs, seed, "recipes, few contexts"), subset=subset)
    return {"scores": tables, "tests": corrected(tests)}


def _names(pair: Pair) -> dict[str, str]:
    return {"before": pair[0], "after": pair[1]}
