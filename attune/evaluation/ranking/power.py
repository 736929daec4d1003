"""What a test of so many contexts can tell: simulated test sets, drawn from ranked rows.

A model here is one of a subset and domain, as trained by one recipe; two recipes are compared on the contexts of each,
which is a cell: (units, 2), the sum of each unit's differences (`evaluation.units`) and the number of its contexts. Of
twice as many contexts, twice as many people are taken to be.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy.special import stdtrit

from attune.core.determinism import seeded_numpy
from attune.evaluation.comparison import corrected
from attune.evaluation.families import RECIPES_ON_FEW
from attune.evaluation.ranking.summary import Rows, comparisons, either, labelled, scores, values_of
from attune.evaluation.tables import nested

SIMULATIONS = 2000
# Contexts of a simulated test set; the first report's have 20 and 100.
SIZES = (20, 50, 100, 200, 500, 1000, 2000)
FIRST_REPORT_SIZES = (20, 100)
# Differences in MRR that one may want to see.
DIFFERENCES = (0.02, 0.05, 0.1)
LEVEL, POWER = 0.95, 0.8
Pair = tuple[str, str]


def power_of(ranked: Rows, own: Rows, pairs: Sequence[Pair], reported: Pair, seed: int) -> dict[str, Any]:
    """What tests of the recipes in `pairs` (before, after) can tell, as JSON.

    ranked: rows with subset and domain. own: those of the subsets' own test splits, where they are fewer. reported: the
    pair for which the chance to outperform is simulated: the first report's.

    interval: half the width of a difference's 95 % interval by the number of contexts. needed: contexts at which the
    interval excludes 0 in 80 % of test sets. outperform: see `outperforming`. own: the scores and tests of `own`.

    Only models of two units or more count. Where the differences of a pair vary in none of them, its numbers are
    None: nothing can be estimated from them.
    """
    cells = {pair: _less_certain(ranked, pair) for pair in pairs}
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
            {**_names(reported), **outperforming(cells[reported], size, each, seed)}
            for size in FIRST_REPORT_SIZES
            for each in (0.0, *DIFFERENCES)
        ],
        "own": _own(ranked, own, pairs, seed),
    }


def _less_certain(ranked: Rows, pair: Pair) -> list[np.ndarray]:
    """The cells, if their differences vary, by responders or by those whom they answer: which takes more contexts."""
    kinds = [_varying(differences(ranked, pair, partners)) for partners in (False, True)]
    return max(kinds, key=lambda cells: needed(cells, DIFFERENCES[0]) or 0)


def differences(ranked: Rows, pair: Pair, partners: bool = False) -> list[np.ndarray]:
    """The cell of each subset and domain, of the differences in reciprocal rank of the pair (before, after).

    partners: by those who are answered, where there are enough of them; else by those who reply.
    """
    before, after = pair
    by_subset: dict[str, Rows] = {}
    for row in ranked:
        by_subset.setdefault(row["subset"], []).append(row)
    gains = []
    for rows in by_subset.values():
        for models in values_of(rows).values():
            name = either("mrr", models[before])[-1 if partners else 0]
            gains.append(models[after][name].above(models[before][name]))
    return [np.array([(sums, each.denominator[unit]) for unit, sums in each.numerator.items()]) for each in gains]


def _varying(cells: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The cells of two units or more, if the differences vary in any of them."""
    known = [each for each in cells if len(each) > 1]
    return known if any(np.ptp(each[:, 0] / each[:, 1]) > 0 for each in known) else []


def _moved(cell: np.ndarray, mean: float) -> np.ndarray:
    """The cell with all differences shifted by one amount, so that their mean is `mean`."""
    sums, contexts = cell.T
    return np.stack([sums - (sums.sum() / contexts.sum() - mean) * contexts, contexts], axis=1)


def half_width(cells: Sequence[np.ndarray], size: int, seed: int) -> float | None:
    """Half the width of the 95 % interval (Student's t) of the mean over `size` contexts, mean over cells and draws.

    None without cells.
    """
    if not cells:
        return None
    return round(float(np.mean([_drawn(each, size, seed)[1].mean() for each in cells])), 6)


def needed(cells: Sequence[np.ndarray], difference: float) -> int | None:
    """Contexts at which a two-sided test at 5 % sees a true `difference` with a power of 80 %; None without cells.

    After Cohen (1988, section 2.4), with the variance of a mean over clusters (Cochran 1977, section 11.7) in the place
    of that over independent contexts. It is the mean of the cells', of two units or more each.
    """
    if not cells:
        return None
    spread = [float((_moved(each, 0.0)[:, 0] ** 2).sum() / each[:, 1].sum()) for each in cells]
    variance = float(np.mean([each * len(cell) / (len(cell) - 1) for each, cell in zip(spread, cells, strict=True)]))
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
    means, widths = zip(*(_drawn(_moved(each, difference), size, seed) for each in cells), strict=True)
    ahead = (np.array(means) > 0).sum(0)
    return {
        "contexts": size,
        "difference": difference,
        "models": len(cells),
        "better": round(float(ahead.mean()), 3),
        "at_most_half": round(float((2 * ahead <= len(cells)).mean()), 4),
        "significant": round(float((np.array(means) > np.array(widths)).mean()), 4),
    }


def _drawn(cell: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(simulations,) mean differences over some `size` contexts, and half the widths of their intervals.

    Units are drawn with replacement, as many as have `size` contexts on average, two at least. The variance of the mean
    is that of a ratio of the drawn units' sums (Cochran 1977, section 11.7).
    """
    sums, contexts = cell.T
    drawn = max(2, round(size * len(cell) / contexts.sum()))
    draws = seeded_numpy(seed, "power", size, cell.tobytes().hex())
    counts = draws.multinomial(drawn, np.full(len(cell), 1 / len(cell)), SIMULATIONS)
    total = counts @ contexts
    means = counts @ sums / total
    squares = counts @ sums**2 - 2 * means * (counts @ (sums * contexts)) + means**2 * (counts @ contexts**2)
    variances = np.maximum(squares, 0) / total**2 * drawn / (drawn - 1)
    return means, stdtrit(drawn - 1, (1 + LEVEL) / 2) * np.sqrt(variances)


def _own(ranked: Rows, own: Rows, pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    """Scores and tests of each subset that is ranked on more than its own test split, on that split alone."""
    tables, tests = {}, []
    for subset in dict.fromkeys(row["subset"] for row in ranked):
        every, few = ([row for row in rows if row["subset"] == subset] for rows in (ranked, own))
        if len(few) == len(every):
            continue
        values = values_of(few)
        tables[subset] = nested(scores(values, seed), ["domain", "model"])
        tests += labelled(comparisons(values, pairs, seed, RECIPES_ON_FEW), subset=subset)
    return {"scores": tables, "tests": corrected(tests)}


def _names(pair: Pair) -> dict[str, str]:
    return {"before": pair[0], "after": pair[1]}
