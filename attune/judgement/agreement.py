"""How far annotators agree with each other, and with themselves when the two replies change places."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from attune.core.determinism import seeded_numpy
from attune.judgement.answers import MODEL, VISITOR, Judgement
from attune.judgement.preferences import PLACES, RESAMPLES, by_people, percentiles, share, units_of
from attune.metrics.bootstrap import rounded, with_intervals

# By context and pair of systems, of each annotator: whether the first of the pair was shown first, and its points.
_Items = dict[tuple[str, str, str], dict[str, list[tuple[bool, float]]]]


def agreement(judgements: Sequence[Judgement], seed: int) -> dict[str, Any]:
    """Krippendorff's alpha over the pairs that several annotators judged; None where there is none to tell.

    The values are ordered: for one system, neither, for the other (Krippendorff 2019, section 12.3.3). 1 is perfect
    agreement, 0 what chance gives: verdicts drawn from those on all pairs, with either system of a pair as likely to be
    the one preferred. For which of the two counts as the first is arbitrary, so that each pair is in the data twice,
    once from either system's side. Of a pair that an annotator judged in both orders, the value is the mean of both
    verdicts; `consistent` is the share of such pairs on which the two agree. Both have 95 % intervals over units;
    alpha's bounds are None where no unit differs from the others. Visitors are one annotator for alpha, since the
    page asks for no name; they are many people, so that `consistent` leaves them out, as it does language
    models, which have one verdict on both orders.
    """
    items: _Items = {}
    for each in judgements:
        system, other = sorted((each.first, each.second))
        first = each.first == system
        verdict = first, each.points if first else 1 - each.points
        items.setdefault((each.context, system, other), {}).setdefault(each.annotator, []).append(verdict)
    whose, clustered = {each.context: each for each in judgements}, by_people(judgements)
    annotators = sorted({each.annotator for each in judgements})
    return {
        **_alpha(items, whose, clustered, annotators, seed),
        "annotators": len(annotators),
        "pairs": len(items),
        "pairs_judged_by_several": sum(len(values) > 1 for values in items.values()),
        **_consistency(items, whose, clustered, seed),
    }


def _alpha(
    items: _Items, whose: Mapping[str, Judgement], clustered: bool, annotators: Sequence[str], seed: int
) -> dict[str, float | None]:
    """alpha, and its interval over units (`preferences.percentiles`). whose: a judgement of each context.

    clustered: as `evaluation.units.units` has it.
    """
    several = [(whose[context], values) for (context, *_), values in items.items() if len(values) > 1]
    columns: dict[str, list[np.ndarray]] = {}
    for unit, (_, values) in zip(units_of((each for each, _ in several), clustered), several, strict=True):
        means = {name: fmean(points for _, points in verdicts) for name, verdicts in values.items()}
        own = np.array([means.get(name, np.nan) for name in annotators])
        # Rounded, so that a third is the same value from either side.
        columns.setdefault(unit, []).extend(np.round([own, 1 - own], 9))
    tables = [np.array(each).T for each in columns.values()]  # (annotators, sides of pairs) of each unit
    alpha = _krippendorff(tables)
    if alpha is None:
        return dict.fromkeys(("alpha", "alpha_low", "alpha_high"))
    draws = seeded_numpy(seed, "agreement")
    drawn = draws.integers(len(tables), size=(RESAMPLES, len(tables)))
    resampled = [value for each in drawn if (value := _krippendorff([tables[at] for at in each])) is not None]
    return {**rounded({"alpha": alpha}, PLACES), **percentiles("alpha", resampled, len(tables))}


def _krippendorff(tables: Sequence[np.ndarray]) -> float | None:
    """Of the tables side by side; None where all values are the same, and so ties, which chance would do as well."""
    import krippendorff

    table = np.hstack(tables) if tables else np.empty((0, 0))
    if len(np.unique(table[~np.isnan(table)])) < 2:
        return None
    return float(krippendorff.alpha(table, level_of_measurement="ordinal"))


def _consistency(items: _Items, whose: Mapping[str, Judgement], clustered: bool, seed: int) -> dict[str, float]:
    """Of the pairs that an annotator judged in both orders: how many, and the share with the same verdict twice."""
    twice = [
        (whose[context], float(len({points for _, points in verdicts}) == 1))
        for (context, *_), values in items.items()
        for name, verdicts in values.items()
        if name != VISITOR and not name.startswith(MODEL) and len({first for first, _ in verdicts}) == 2
    ]
    if not twice:
        return {}
    equal = share([each for each, _ in twice], [same for _, same in twice], clustered)
    return {"judged_in_both_orders": len(twice), **with_intervals({"consistent": [equal]}, seed, PLACES)}
