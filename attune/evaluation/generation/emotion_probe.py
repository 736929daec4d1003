"""The emotion that a text expresses: a linear probe on sentence embeddings, trained on situations of a train split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.metrics.bootstrap import Ratio

FOLDS = 5


@dataclass(frozen=True)
class Probe:
    """A trained classifier, and how it does on texts that it was not trained on.

    `truths`: the emotions of the situations `texts`. `guesses`: out-of-fold predictions of them.
    """

    model: Any
    texts: list[str]
    truths: list[str]
    guesses: list[str]

    @property
    def accuracy(self) -> Ratio:
        """The share of correct out-of-fold predictions; chance is 0.03 for 32 emotions."""
        rows = zip(self.texts, self.truths, self.guesses, strict=True)
        return Ratio.of(((text, float(truth == guess), 1.0) for text, truth, guess in rows), share=True)

    def confusion(self) -> dict[str, dict[str, int]]:
        """{emotion: {predicted emotion: count}}, without zeros."""
        counts = Counter(zip(self.truths, self.guesses, strict=True))
        return {
            truth: {guess: counts[truth, guess] for guess in sorted(set(self.guesses)) if counts[truth, guess]}
            for truth in sorted(set(self.truths))
        }

    def emotions(self, vectors: np.ndarray) -> list[str]:
        """The likeliest emotion for each row of embeddings (n, d)."""
        return [str(each) for each in self.model.predict(vectors)] if len(vectors) else []


def train(vectors: np.ndarray, emotions: Sequence[str], texts: Sequence[str]) -> Probe:
    """Logistic regression on the embeddings (n, d) of `texts`.

    Its accuracy is estimated by FOLDS-fold cross-validation. Equal texts are in the same fold: a text that is also in
    the training folds would only be remembered.

    Raises
    ------
    AttuneError
        if there are too few texts, or only one emotion.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    counts = Counter(emotion for _, emotion in set(zip(texts, emotions, strict=True)))
    if len([emotion for emotion, count in counts.items() if count > 1]) < 2 or len(set(texts)) < FOLDS:
        raise AttuneError(
            f"the emotion probe needs {FOLDS} different situations, and two of them for each of two emotions; the "
            f"train split has {dict(counts.most_common(5))}"
        )
    model = LogisticRegression(C=10.0, max_iter=1000)
    folds = GroupKFold(FOLDS)
    guesses = cross_val_predict(model, vectors, np.array(emotions), groups=np.array(texts), cv=folds)
    return Probe(model.fit(vectors, list(emotions)), list(texts), list(emotions), [str(each) for each in guesses])
