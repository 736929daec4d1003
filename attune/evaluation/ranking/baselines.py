"""Baselines without training on conversations: shared words, the cosine of sentence embeddings, and their fusion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attune.evaluation.ranking.summary import about
from attune.index.embedding import embed
from attune.index.reader import with_persona
from attune.metrics.ranking import ranked
from attune.metrics.words import WORD

Rows = list[dict[str, Any]]
# From queries to their scores of every reply of a bank, (queries, bank).
Scorer = Callable[[Sequence[str]], np.ndarray]
# From a test context to its query.
Query = Callable[[Mapping[str, Any]], str]


def whole_context(row: Mapping[str, Any]) -> str:
    """All turns, the oldest first."""
    return " ".join(row["context"])


def queries(embedder: Any, num_personas: int) -> dict[str, tuple[str, Query]]:
    """Each method's scorer, and its query for a test context; num_personas: as `index.reader.with_persona` has it."""
    return {
        "tfidf": ("tfidf", whole_context),
        "bm25": ("bm25", whole_context),
        "cosine": ("cosine", lambda row: row["context"][-1]),
        "cosine_context": ("cosine", whole_context),
        "cosine_persona": (
            "cosine",
            lambda row: with_persona(embedder, row["context"][-1], row["personas"], num_personas),
        ),
    }


# Methods whose rankings are fused.
_FUSED = {"cosine_bm25": ("cosine_context", "bm25")}
# Every baseline with its name in words.
BASELINES = {
    "tfidf": "TF-IDF of the context",
    "bm25": "BM25 of the context",
    "cosine": "cosine of the last turn",
    "cosine_context": "cosine of the whole context",
    "cosine_persona": "cosine of last turn and persona",
    "cosine_bm25": "cosine + BM25 of the context",
}
# Reciprocal rank fusion's constant (Cormack et al. 2009).
_K = 60


@dataclass(frozen=True)
class Baselines:
    """The scorers of a bank of replies: `tfidf`, `bm25` and `cosine`, each set up for the bank once.

    bank: distinct texts. Document frequencies are those of the whole bank. queries: as the function of that name.
    """

    bank: Sequence[str]
    scorers: Mapping[str, Scorer]
    queries: Mapping[str, tuple[str, Query]]

    @classmethod
    def of(cls, embedder: Any, texts: Sequence[Sequence[str]], batch_size: int, num_personas: int) -> "Baselines":
        """For the candidates of all test contexts.

        embedder: as `load_embedder` returns it. num_personas: the persona sentences that `cosine_persona` reads at
        most, the first ones; those of the model that it is compared with.
        """
        bank = sorted({text for each in texts for text in each})
        scorers = {"tfidf": tfidf(bank), "bm25": bm25(bank), "cosine": cosine(bank, embedder, batch_size)}
        return cls(bank, scorers, queries(embedder, num_personas))

    def rank(self, rows: Sequence[Mapping[str, Any]], texts: Sequence[Sequence[str]]) -> dict[str, Rows]:
        """The ranked rows of each method.

        rows: test contexts with id, context and personas. texts: their candidates, the true response first.
        """
        return {
            method: [
                about(row) | ranked(scores.tolist(), each, logits=False)
                for row, scores, each in zip(rows, self.scores(method, rows, texts), texts, strict=True)
            ]
            for method in BASELINES
        }

    def scores(
        self, method: str, rows: Sequence[Mapping[str, Any]], texts: Sequence[Sequence[str]]
    ) -> list[np.ndarray]:
        """Each row's scores of its candidates in `texts`, which the bank must hold."""
        if method in _FUSED:
            fused = (self.scores(each, rows, texts) for each in _FUSED[method])
            return [reciprocal_ranks(each) for each in zip(*fused, strict=True)]
        scorer, query = self.queries[method]
        column = {text: number for number, text in enumerate(self.bank)}
        matrix = self.scorers[scorer]([query(row) for row in rows])
        return [scores[[column[text] for text in each]] for scores, each in zip(matrix, texts, strict=True)]


def reciprocal_ranks(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Reciprocal rank fusion (Cormack et al. 2009): the sum of 1 / (60 + rank) over several scores of the same replies.

    Replies that tie all have the lowest of their ranks, so that none gains by its place in the list.

    >>> [round(1 / each, 1) for each in reciprocal_ranks([np.array([3.0, 1.0]), np.array([0.0, 0.0])]).tolist()]
    [30.7, 31.0]
    """
    ranks = [(each >= each[:, None]).sum(1) for each in scores]
    return np.sum([1 / (_K + each) for each in ranks], axis=0)


def tfidf(bank: Sequence[str]) -> Scorer:
    """Cosines of TF-IDF vectors with sublinear term frequencies."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=WORD, sublinear_tf=True)
    replies = vectorizer.fit_transform(bank)

    def scores(queries: Sequence[str]) -> np.ndarray:
        products: Any = vectorizer.transform(queries) @ replies.T
        return np.asarray(products.todense())

    return scores


def bm25(bank: Sequence[str]) -> Scorer:
    """Lucene's BM25 (Kamphuis et al. 2020, table 1) with k1 1.5 and b 0.75."""
    import bm25s

    def words(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), token_pattern=WORD, stopwords=None, return_ids=False, show_progress=False)

    model = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    model.index(words(bank), show_progress=False)

    def scores(queries: Sequence[str]) -> np.ndarray:
        return np.stack([model.get_scores(query) if query else np.zeros(len(bank)) for query in words(queries)])

    return scores


def cosine(bank: Sequence[str], embedder: Any, batch_size: int) -> Scorer:
    """Cosines of sentence embeddings."""
    replies = embed(embedder, bank, batch_size, "document")
    return lambda queries: embed(embedder, queries, batch_size, "query") @ replies.T
