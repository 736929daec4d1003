"""What judgements say: win rates, Bradley-Terry strengths and position bias.

Judgements of contexts in which one person replies, or that are about one situation, are one unit in every interval and
test (`attune.evaluation.units`), whoever judges. A tie is half a win for each system.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from attune.core.determinism import seeded_numpy
from attune.core.errors import AttuneError
from attune.evaluation.units import enough_clusters, units
from attune.judgement.answers import MODEL, Judgement, Thumb
from attune.metrics.bootstrap import FEWEST, PairedTest, compare, rounded, tail, with_intervals
from attune.metrics.exact import of_rare
from attune.metrics.multiplicity import holm
from attune.metrics.ratio import Ratio

PLACES = 4
# Resamples of the strengths, each of which is a fit of its own.
RESAMPLES = 2_000
# The fit ends when no log-strength moves by more.
_TOLERANCE = 1e-7
_MOST_STEPS = 20_000


def systems_of(judgements: Iterable[Judgement]) -> list[str]:
    return sorted({name for each in judgements for name in (each.first, each.second)})


def by_people(judgements: Iterable[Judgement]) -> bool:
    """Whether people or situations are the units, which is decided of all judgements together (`evaluation.units`)."""
    return enough_clusters({"cluster": each.cluster} for each in judgements)


def units_of(judgements: Iterable[Judgement], clustered: bool | None = None) -> list[str]:
    """Each judgement's unit. Without people or situations it is the conversation and, on the chat page, the context.

    clustered: as `evaluation.units.units` has it, where the judgements are a part of all.
    """
    rows = [{"cluster": each.cluster, "conversation": each.conversation or each.context} for each in judgements]
    return units(rows, "conversation", clustered)


def share(judgements: Sequence[Judgement], points: Sequence[float], clustered: bool | None = None) -> Ratio:
    """The mean of each judgement's points, by unit (`units_of`)."""
    of = units_of(judgements, clustered)
    return Ratio.of(((unit, each, 1.0) for unit, each in zip(of, points, strict=True)), share=True)


def win_rates(judgements: Sequence[Judgement], seed: int) -> list[dict[str, Any]]:
    """One record per two systems that were compared: how often `system` was preferred to `other`.

    p is two-sided, by the randomisation test that exchanges the two systems in each unit, and win_rate has the 95 %
    interval of that test (`metrics.bootstrap.compare`). That is too narrow where nearly all units say the same: where
    few have won anything, or few lost anything, it reaches at least as far as the exact one (`metrics.exact.of_rare`),
    but never to a half that the test rejects. So p is below 0.05 exactly where the interval excludes a half. It has no
    bounds with so few units that no p is. p_holm: corrected for the number of records.
    """
    records: list[dict[str, Any]] = []
    clustered = by_people(judgements)
    for system, other in combinations(systems_of(judgements), 2):
        both = [each for each in judgements if {each.first, each.second} == {system, other}]
        if not both:
            continue
        points = [each.points if each.first == system else 1 - each.points for each in both]
        won, lost = (share(both, each, clustered) for each in (points, [1 - each for each in points]))
        sizes = {"contexts": len({each.context for each in both}), "units": len(won.numerator)}
        counts = {"wins": points.count(1.0), "ties": points.count(0.5), "losses": points.count(0.0)}
        test = compare([lost], [won], seed)
        rate = {**rounded({"win_rate": won.value}, PLACES), **_bounds(test, won)}
        records.append({"system": system, "other": other, **sizes, **counts, **rate, "p": test.p})
    adjusted = holm([record["p"] for record in records])
    return [
        record | rounded({"p": record["p"], "p_holm": p_holm}, PLACES)
        for record, p_holm in zip(records, adjusted, strict=True)
    ]


def _bounds(test: PairedTest, won: Ratio) -> dict[str, float]:
    """Of the share won, which is a half where its difference from the share lost is 0; rounded."""
    if not (math.isfinite(test.low) and math.isfinite(test.high)):
        return {}
    low, high = 0.5 + test.low / 2, 0.5 + test.high / 2
    least, most = of_rare([won]) or (low, high)
    widest = {"win_rate_low": max(0.0, min(low, least)), "win_rate_high": min(1.0, max(high, most))}
    ends = rounded(widest, PLACES)
    # What the test rejects is outside, even where the exact bound is beyond it, or a rounded one on it.
    beside = 10**-PLACES
    if test.low > 0:
        ends["win_rate_low"] = max(ends["win_rate_low"], 0.5 + beside)
    if test.high < 0:
        ends["win_rate_high"] = min(ends["win_rate_high"], 0.5 - beside)
    return ends


def strengths(judgements: Sequence[Judgement], seed: int) -> list[dict[str, Any]]:
    """One record per system: its log-strength in the Bradley-Terry model with its 95 % interval, strongest first.

    A system with a log-strength higher by d is preferred with the probability 1 / (1 + exp(-d)); their mean is 0
    (Bradley and Terry 1952). Every two systems that were compared are given one tie more, without which a system that
    always wins would be infinitely strong. Intervals are those of `percentiles`.

    Raises
    ------
    AttuneError
        if the systems fall into groups between which nothing was compared.
    """
    systems = systems_of(judgements)
    wins = _wins(judgements, systems)
    compared = (wins + wins.transpose(0, 2, 1)).sum(0) > 0
    _check_connected(systems, compared)
    extra = 0.5 * compared
    draws = seeded_numpy(seed, "strengths")
    times = draws.multinomial(len(wins), np.full(len(wins), 1 / len(wins)), size=RESAMPLES)
    resampled = fit(np.tensordot(times.astype(float), wins, 1) + extra)
    estimates = fit((wins.sum(0) + extra)[None])[0]
    records: list[dict[str, Any]] = [
        {"system": name, **rounded({"strength": value}, PLACES), **percentiles("strength", values, len(wins))}
        for name, value, values in zip(systems, estimates.tolist(), resampled.T, strict=True)
    ]
    return sorted(records, key=lambda record: -record["strength"])


def percentiles(name: str, resampled: Sequence[float] | np.ndarray, units: int) -> dict[str, float | None]:
    """{name_low, name_high}: the 95 % interval from (resamples,) values over resampled units, rounded.

    Its percentiles are further out the fewer units there are, as those of every score are (`metrics.bootstrap.tail`).
    None where there are fewer than FEWEST, and where no unit differs from the others, so that it would have no width.
    """
    none: dict[str, float | None] = {f"{name}_low": None, f"{name}_high": None}
    if units < FEWEST:
        return none
    beyond = tail(units)
    low, high = (round(each, PLACES) for each in np.quantile(resampled, [beyond, 1 - beyond]).tolist())
    return dict(zip(none, (low, high), strict=True)) if low < high else none


def fit(wins: np.ndarray) -> np.ndarray:
    """(n, k) maximum-likelihood log-strengths with mean 0, from (n, k, k) wins of the row's system over the column's.

    The iteration is that of Hunter 2004, "MM algorithms for generalized Bradley-Terry models", section 2.
    """
    total, games = wins.sum(2), wins + wins.transpose(0, 2, 1)
    logs = np.zeros(total.shape)
    for _ in range(_MOST_STEPS):
        strength = np.exp(logs)
        expected = (games / (strength[:, :, None] + strength[:, None, :])).sum(2)
        moved = np.log(total / expected)
        moved -= moved.mean(1, keepdims=True)
        step, logs = np.abs(moved - logs).max(), moved
        if step < _TOLERANCE:
            break
    return logs


def _wins(judgements: Sequence[Judgement], systems: Sequence[str]) -> np.ndarray:
    """(units, systems, systems): the points of the row's system against the column's."""
    place = {name: at for at, name in enumerate(systems)}
    of = units_of(judgements)
    row = {name: at for at, name in enumerate(sorted(set(of)))}
    wins = np.zeros((len(row), len(systems), len(systems)))
    for unit, each in zip(of, judgements, strict=True):
        wins[row[unit], place[each.first], place[each.second]] += each.points
        wins[row[unit], place[each.second], place[each.first]] += 1 - each.points
    return wins


def _check_connected(systems: Sequence[str], compared: np.ndarray) -> None:
    reached = np.eye(len(systems), dtype=bool)[0]
    for _ in systems:
        reached = reached | compared[reached].any(0)
    if not reached.all():
        apart = [name for name, each in zip(systems, reached, strict=True) if not each]
        raise AttuneError(
            f"{', '.join(apart)} and {systems[0]} were never compared, not even through a third system, so that their "
            "strengths have no common scale; judge such a pair, or analyse the answers separately"
        )


def first_preferred(judgements: Sequence[Judgement], seed: int) -> dict[str, float]:
    """How often the reply shown first won, ties as halves, with its interval; without a position bias 0.5.

    That holds where each system stands first equally often, as in an exported form. Language models are left out, since
    the order decides none of their verdicts; empty where nobody else judged.
    """
    people = [each for each in judgements if not each.annotator.startswith(MODEL)]
    if not people:
        return {}
    points = share(people, [each.points for each in people], by_people(judgements))
    return with_intervals({"first_preferred": [points]}, seed, PLACES)


def thumbs_up(thumbs: Iterable[Thumb], seed: int) -> list[dict[str, Any]]:
    """One record per system: the share of its replies with a thumb up, with the interval over contexts.

    Each context is a unit here: the page does not know who writes.
    """
    systems: dict[str, list[Thumb]] = {}
    for each in thumbs:
        systems.setdefault(each.system, []).append(each)
    up = {
        name: Ratio.of(((each.context, each.points, 1.0) for each in rows), share=True)
        for name, rows in sorted(systems.items())
    }
    return [
        {"system": name, "thumbs": len(systems[name]), **with_intervals({"up": [ratio]}, seed, PLACES)}
        for name, ratio in up.items()
    ]
