"""The emotion that a text expresses: a linear probe on sentence embeddings, trained on situations of a train split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attune.corpora.emotion_folds import why_untrainable
from attune.evaluation.generation.probes import CrossFitted


@dataclass(frozen=True)
class Probe(CrossFitted[str]):
    """A classifier of emotions; by chance its accuracy is 0.03 for 32 emotions. texts: situations."""

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
    """Logistic regression on the embeddings (n, d) of `texts`; raises as `CrossFitted.train`."""
    from sklearn.linear_model import LogisticRegression

    return Probe.train(LogisticRegression(C=10.0, max_iter=1000), vectors, emotions, texts, why_untrainable)
