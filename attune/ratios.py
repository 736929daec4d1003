"""Intervals and paired tests of ratios of sums, such as nats a token, drawn conversation by conversation.

Replies of one conversation are no independent witnesses, so a conversation is drawn or exchanged as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from attune.intervals import LEVEL, RESAMPLES, generator

# Resamples at a time: of many conversations all at once would not fit into memory.
CHUNK = 500


@dataclass(frozen=True)
class Ratio:
    """Two sums for each conversation, `over` and `under`; the score is sum(over) / sum(under)."""

    over: Mapping[str, float]
    under: Mapping[str, float]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float, float]]) -> "Ratio":
        """From (conversation, over, under) of each example; a mean over examples has 1 under each."""
        over: dict[str, float] = {}
        under: dict[str, float] = {}
        for name, top, bottom in rows:
            over[name] = over.get(name, 0.0) + top
            under[name] = under.get(name, 0.0) + bottom
        return cls(over, under)

    @property
    def value(self) -> float:
        return sum(self.over.values()) / sum(self.under.values())

    def table(self) -> np.ndarray:
        """(conversations, 2), in order of their names."""
        return np.array([[self.over[name], self.under[name]] for name in sorted(self.over)])


def _divided(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / np.maximum(sums[:, 1], 1e-12)


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _resampled(table: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, columns): the sums over as many conversations as `table` has rows, drawn with replacement."""
    draws, count = generator(seed, "bootstrap"), len(table)
    shares = np.full(count, 1 / count)
    parts = [draws.multinomial(count, shares, size=CHUNK) @ table for _ in range(RESAMPLES // CHUNK)]
    return np.concatenate(parts)


def interval(ratio: Ratio, seed: int) -> tuple[float, float]:
    """95 percent interval (percentile bootstrap; Efron and Tibshirani 1993, section 13.3)."""
    table = ratio.table()
    return _quantiles(_divided(_resampled(table, seed)))


def compare(left: Ratio, right: Ratio, seed: int) -> dict[str, float]:
    """Paired: by how much `right` is above `left` on the same conversations, its interval, and p.

    p is the two-sided randomisation test's: how often exchanging the two systems' sums, conversation by conversation,
    gives a difference at least as large (Smucker et al. 2007, section 3.1).

    Raises
    ------
    ValueError
        if the two sides have other conversations.
    """
    if left.over.keys() != right.over.keys():
        raise ValueError("a paired test needs both systems' values on the same conversations")
    before, after = left.table(), right.table()
    drawn = _resampled(np.hstack([before, after]), seed)
    low, high = _quantiles(_divided(drawn[:, 2:]) - _divided(drawn[:, :2]))
    found = right.value - left.value
    draws = generator(seed, "signs")
    chunks = ((draws.random((CHUNK, len(before))) < 0.5).astype(float) for _ in range(RESAMPLES // CHUNK))
    moved = np.concatenate([exchanged @ (before - after) for exchanged in chunks])
    differences = _divided(after.sum(0) + moved) - _divided(before.sum(0) - moved)
    extreme = int((np.abs(differences) >= abs(found) - 1e-12).sum())
    return {"difference": found, "low": low, "high": high, "p": (extreme + 1) / (RESAMPLES + 1)}
