"""The emotion probe's cross-validation folds and minimum data.

Without scikit-learn, so that the first stages can check the data cheaply.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from attune.core.errors import AttuneError

# Parts of the situations that the probe is tested on in turn, and emotions that it must be able to tell apart.
FOLDS, EMOTIONS = 5, 2
Label = TypeVar("Label")


def folds(situations: Sequence[str]) -> list[int]:
    """The part, from 0, that each situation is tested in; equal ones share it, and parts are of about one size.

    They are those of scikit-learn's GroupKFold, which stages that only draw conversations should not wait for.
    """
    sizes, filled, part = Counter(situations), [0] * FOLDS, {}
    for situation in sorted(sizes, key=lambda text: (sizes[text], text), reverse=True):
        part[situation] = filled.index(min(filled))
        filled[part[situation]] += sizes[situation]
    return [part[situation] for situation in situations]


def why_untrainable(labelled: Sequence[tuple[str, str]]) -> str:
    """Why the probe cannot learn from these emotions, each with its situation; empty if it can."""
    counts = Counter(emotion for emotion, _ in dict.fromkeys(labelled))
    situations, recurring = [situation for _, situation in labelled], sum(count > 1 for count in counts.values())
    different = len(set(situations))
    if different < FOLDS or recurring < EMOTIONS:
        examples = ", ".join(repr(emotion[:40]) for emotion, _ in counts.most_common(3))
        return (
            f"the train split has {different} different situation(s), and {recurring} emotion(s) of more than one of "
            f"them (most often {examples}); the emotion probe needs {FOLDS} situations and {EMOTIONS} such emotions"
        )
    if (only := left_alone(labelled)) is not None:
        return (
            f"the train split has too few situations of other emotions than {only[:40]!r}: all are in one of "
            f"{FOLDS} parts, and the emotion probe, tested on each part, needs {EMOTIONS} emotions in the others"
        )
    return ""


def left_alone(labelled: Sequence[tuple[Label, str]]) -> Label | None:
    """The only label outside of one of the `folds`, if there is such a part; each label with its situation."""
    parts = folds([situation for _, situation in labelled])
    for tested in range(FOLDS):
        left = {label for (label, _), part in zip(labelled, parts, strict=True) if part != tested}
        if len(left) == 1:
            return left.pop()
    return None


def check(corpus: str, labelled: Sequence[tuple[str, str]]) -> None:
    """Raise an AttuneError if the probe cannot learn from the train split of `corpus`, a key in `corpora`."""
    if reason := why_untrainable(labelled):
        raise AttuneError(
            f"corpora.{corpus}: {reason}; use more data, a higher corpora.{corpus}.cap, or another column as emotion"
        )
