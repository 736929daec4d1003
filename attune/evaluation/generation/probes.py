"""Linear probes on sentence embeddings, and how well they do on what they were not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self

import numpy as np

from attune.core.errors import AttuneError
from attune.corpora.emotion_folds import Label, folds
from attune.metrics.ratio import Ratio


@dataclass(frozen=True)
class CrossFitted(Generic[Label]):
    """A trained classifier, and how it does on texts that it was not trained on.

    texts: what each row of embeddings is of; rows of equal texts belong together. truths: their labels. guesses:
    out-of-fold predictions of them.
    """

    model: Any
    texts: list[str]
    truths: list[Label]
    guesses: list[Label]

    @classmethod
    def train(
        cls,
        model: Any,
        vectors: np.ndarray,
        labels: Sequence[Label],
        texts: Sequence[str],
        why_untrainable: Callable[[Sequence[tuple[Label, str]]], str],
    ) -> Self:
        """Fit `model`, a classifier of scikit-learn's, to the embeddings (n, d) of `texts`.

        Its guesses are from cross-validation over `folds`. Equal texts are in the same fold: a text that is also in the
        training folds would only be remembered.

        Raises
        ------
        AttuneError
            for too few texts or labels, as `why_untrainable` says.
        """
        from sklearn.model_selection import PredefinedSplit, cross_val_predict

        if reason := why_untrainable([*zip(labels, texts, strict=True)]):
            raise AttuneError(reason)
        guesses = cross_val_predict(model, vectors, np.array(labels), cv=PredefinedSplit(folds(texts)))
        return cls(model.fit(vectors, list(labels)), list(texts), list(labels), guesses.tolist())

    @property
    def accuracy(self) -> Ratio:
        """The share of correct out-of-fold predictions."""
        rows = zip(self.texts, self.truths, self.guesses, strict=True)
        return Ratio.of(((text, float(truth == guess), 1.0) for text, truth, guess in rows), share=True)
