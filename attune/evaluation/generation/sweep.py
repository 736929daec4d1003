"""The scores of the decoding sweep, and which of its points is best."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from attune.evaluation.generation.summary import Rows, Score, diversity, mean_scores, table
from attune.evaluation.units import units

# The most that replies may repeat of their trigrams at the best point. The first 40 words of the true answers in
# OpenOrca and OpenAssistant Guanaco repeat 1 %.
MOST_REPEATED = 0.05
REPEATED = "replies_repeated_3grams"


def sweep_scores(points: Mapping[tuple[str, str], Rows], seed: int) -> pd.DataFrame:
    """The columns generator, point, score, value, low and high of the replies at each point of a decoding sweep.

    The rows of the best point have the score `best` too, whose value is True.
    """
    groups = {
        point: diversity([row["reply"] for row in rows]) + mean_scores(rows, seed) for point, rows in points.items()
    }
    best = best_point(points, groups)
    return table(
        {key: scores + [Score("best", True)] * (key[1] == best) for key, scores in groups.items()},
        ("generator", "point"),
    )


def best_point(points: Mapping[tuple[str, str], Rows], groups: Mapping[tuple[str, str], list[Score]]) -> str:
    """The first point that is as good as the best: a few prompts cannot tell nearly equal ones apart.

    The best has the replies that are most similar to the true ones, of those that repeat at most MOST_REPEATED of their
    trigrams, both as means over the generators. As good is what lacks at most one standard error of the difference
    (the one-standard-error rule: Breiman et al. 1984, section 3.4.3), which is over units (`evaluation.units`). Where
    replies repeat more at every point, it is the point of least repetition. groups: the scores of each point's replies.
    """
    scores = pd.DataFrame(
        [{"point": point, **{each.score: each.value for each in group}} for (_, point), group in groups.items()]
    )
    means = scores.groupby("point", sort=False)[["similarity", REPEATED]].mean()
    fluent = means[means[REPEATED] <= MOST_REPEATED]
    if fluent.empty:
        return str(means[REPEATED].idxmin())
    told = pd.DataFrame(
        [
            {**row, "of": name, "at": at, "unit": unit}
            for (name, at), rows in points.items()
            for row, unit in zip(rows, units(rows, "conversation"), strict=True)
        ]
    )
    prompts = told.pivot(index=["of", "id", "unit"], columns="at", values="similarity")
    gained = prompts[fluent.index].sub(prompts[fluent["similarity"].idxmax()], axis=0)
    good = _mean_over(gained) >= -_standard_error(gained)
    return str(good.idxmax())


def _mean_over(gained: pd.DataFrame) -> pd.Series:
    """The mean over generators of each point's mean over prompts."""
    return gained.groupby("of").mean().mean()


def _standard_error(gained: pd.DataFrame) -> pd.Series:
    """Of `_mean_over`, over units, since generators of one corpus answer the same prompts; 0 of a single unit."""
    by_generator = gained.groupby("of")
    weights = by_generator.transform("count") * by_generator.ngroups
    apart = ((gained - by_generator.transform("mean")) / weights).groupby("unit").sum()
    return np.sqrt((apart**2).sum() * len(apart) / max(len(apart) - 1, 1))
