"""The empathy probes' minimum data, apart from the probes so that the first stages can check it cheaply."""

from collections import Counter
from collections.abc import Sequence

from attune.corpora.emotion_folds import FOLDS, left_alone


def why_untrainable(labelled: Sequence[tuple[int, str]]) -> str:
    """Why no probe can learn from these levels, each with the post that is replied to; empty if one can."""
    counts = Counter(level for level, _ in set(labelled))
    posts = [post for _, post in labelled]
    if len(set(posts)) < FOLDS or sum(count > 1 for count in counts.values()) < 2:
        return (
            f"an empathy probe needs {FOLDS} seeker posts, and two for each of two levels; there are "
            f"{len(set(posts))}, by level {dict(sorted(counts.items()))}"
        )
    if (only := left_alone(labelled)) is not None:
        return (
            f"there are too few seeker posts of other levels than {only}: all are in one of {FOLDS} parts, and an "
            "empathy probe, tested on each part, needs two levels in the others"
        )
    return ""
