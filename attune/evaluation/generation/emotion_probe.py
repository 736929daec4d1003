"""The emotion that a text expresses: a linear probe on sentence embeddings, trained on situations of a train split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.evaluation.generation.emotion_folds import folds, lack
from attune.metrics.bootstrap import Ratio


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

    Its accuracy is estimated by cross-validation over `folds`. Equal texts are in the same fold: a text that is also in
    the training folds would only be remembered.

    Raises
    ------
    AttuneError
        for too few texts or emotions, as `lack` says.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    if reason := lack([*zip(emotions, texts, strict=True)]):
        raise AttuneError(reason)
    model = LogisticRegression(C=10.0, max_iter=1000)
    guesses = cross_val_predict(model, vectors, np.array(emotions), cv=PredefinedSplit(folds(texts)))
    return Probe(model.fit(vectors, list(emotions)), list(texts), list(emotions), [str(each) for each in guesses])
