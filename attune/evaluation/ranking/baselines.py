"""Baselines without training on conversations: shared words (TF-IDF, BM25) and the cosine of sentence embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attune.index.embedding import embed
from attune.metrics.ranking import ranked

METHODS = ("tfidf", "bm25", "cosine", "cosine_context", "cosine_persona")
_WORD = r"(?u)\b\w+\b"
Rows = list[dict[str, Any]]


def with_persona(row: dict[str, Any]) -> str:
    """The query of TF-IDF, BM25 and `cosine_persona`: the last turn, then the responder's persona."""
    return " ".join([row["context"][-1], *row["personas"]])


def lexical(rows: Sequence[dict[str, Any]], texts: Sequence[Sequence[str]]) -> dict[str, Rows]:
    """The ranked rows of `tfidf` and `bm25`.

    rows: test contexts with id, context and personas. texts: their candidates, the true response first. Document
    frequencies are those of all candidates together.
    """
    bank = sorted({text for each in texts for text in each})
    queries = [with_persona(row) for row in rows]
    column = {text: number for number, text in enumerate(bank)}
    columns = [[column[text] for text in each] for each in texts]
    return {
        name: [
            ranked(row["id"], scores[places].tolist(), each, logits=False)
            for row, scores, places, each in zip(rows, matrix, columns, texts, strict=True)
        ]
        for name, matrix in (("tfidf", tfidf(queries, bank)), ("bm25", bm25(queries, bank)))
    }


def cosines(
    embedder: Any, rows: Sequence[dict[str, Any]], texts: Sequence[Sequence[str]], batch_size: int
) -> dict[str, Rows]:
    """The ranked rows of the cosines of a reply with the last turn, with all turns, and with last turn and persona.

    They are called `cosine`, `cosine_context` and `cosine_persona`. rows and texts as for `lexical`.
    """
    bank = sorted({text for each in texts for text in each})
    column = {text: number for number, text in enumerate(bank)}
    replies = embed(embedder, bank, batch_size, "document")
    by_method = {}
    for name, queries in (
        ("cosine", [row["context"][-1] for row in rows]),
        ("cosine_context", [" ".join(row["context"]) for row in rows]),
        ("cosine_persona", [with_persona(row) for row in rows]),
    ):
        matrix = embed(embedder, queries, batch_size, "query") @ replies.T
        by_method[name] = [
            ranked(row["id"], scores[[column[text] for text in each]].tolist(), each, logits=False)
            for row, scores, each in zip(rows, matrix, texts, strict=True)
        ]
    return by_method


def tfidf(queries: Sequence[str], bank: Sequence[str]) -> np.ndarray:
    """(queries, bank) cosines of TF-IDF vectors with sublinear term frequencies."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True)
    replies = vectorizer.fit_transform(bank)
    products: Any = vectorizer.transform(queries) @ replies.T
    return np.asarray(products.todense())


def bm25(queries: Sequence[str], bank: Sequence[str]) -> np.ndarray:
    """(queries, bank) scores of Lucene's BM25 (Kamphuis et al. 2020, table 1) with k1 1.5 and b 0.75."""
    import bm25s

    def words(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), token_pattern=_WORD, stopwords=None, return_ids=False, show_progress=False)

    model = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    model.index(words(bank), show_progress=False)
    return np.stack([model.get_scores(query) if query else np.zeros(len(bank)) for query in words(queries)])
