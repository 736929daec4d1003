"""The scores of the decoding sweep, and which of its points is best."""

from collections.abc import Mapping

import pandas as pd

from attune.evaluation.generation.summary import Rows, Score, diversity, mean_scores, table

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
    (the one-standard-error rule: Breiman et al. 1984, section 3.4.3). Where replies repeat more at every point, it is
    the point of least repetition. groups: the scores of each point's replies.
    """
    scores = pd.DataFrame(
        [{"point": point, **{each.score: each.value for each in group}} for (_, point), group in groups.items()]
    )
    means = scores.groupby("point", sort=False)[["similarity", REPEATED]].mean()
    fluent = means[means[REPEATED] <= MOST_REPEATED]
    if fluent.empty:
        return str(means[REPEATED].idxmin())
    told = pd.DataFrame([row | {"of": name, "at": at} for (name, at), rows in points.items() for row in rows])
    prompts = told.pivot(index=["of", "id"], columns="at", values="similarity")
    gained = prompts[fluent.index].sub(prompts[fluent["similarity"].idxmax()], axis=0)
    good = gained.mean() >= -gained.sem().fillna(0)
    return str(good.idxmax())
