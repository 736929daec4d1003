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
    best = best_point(groups)
    return table(
        {key: scores + [Score("best", True)] * (key[1] == best) for key, scores in groups.items()},
        ("generator", "point"),
    )


def best_point(groups: Mapping[tuple[str, str], list[Score]]) -> str:
    """The point whose replies are most similar to the true ones and repeat at most MOST_REPEATED of their trigrams.

    Both are means over the generators. Where replies repeat more at every point, it is the point of least repetition.
    """
    scores = pd.DataFrame(
        [{"point": point, **{each.score: each.value for each in group}} for (_, point), group in groups.items()]
    )
    means = scores.groupby("point", sort=False)[["similarity", REPEATED]].mean()
    fluent = means[means[REPEATED] <= MOST_REPEATED]
    return str(means[REPEATED].idxmin() if fluent.empty else fluent["similarity"].idxmax())
