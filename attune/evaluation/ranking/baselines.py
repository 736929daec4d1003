"""Matching without training: by shared words and by the cosine of sentence embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attune.index.embedding import embed
from attune.metrics.ranking import ranked

METHODS = ("tfidf", "bm25", "cosine", "cosine_persona")
_WORD = r"(?u)\b\w+\b"
Rows = list[dict[str, Any]]


def with_persona(row: dict[str, Any]) -> str:
    """The last turn, then the responder's persona: what these methods look for."""
    return " ".join([row["context"][-1], *row["personas"]])


def lexical(rows: Sequence[dict[str, Any]], texts: Sequence[Sequence[str]]) -> dict[str, Rows]:
    """Ranked rows of `tfidf` and `bm25`; document frequencies are those of all candidates together."""
    bank = sorted({text for each in texts for text in each})
    queries = [with_persona(row) for row in rows]
    place = {text: column for column, text in enumerate(bank)}
    columns = [[place[text] for text in each] for each in texts]
    return {
        name: [
            ranked(row["id"], scores[own].tolist(), each, logits=False)
            for row, scores, own, each in zip(rows, found, columns, texts, strict=True)
        ]
        for name, found in (("tfidf", tfidf(queries, bank)), ("bm25", bm25(queries, bank)))
    }


def cosines(
    embedder: Any, rows: Sequence[dict[str, Any]], texts: Sequence[Sequence[str]], batch_size: int
) -> dict[str, Rows]:
    """Ranked rows of `cosine` (of the last turn with the reply) and `cosine_persona` (last turn and persona)."""
    bank = sorted({text for each in texts for text in each})
    place = {text: column for column, text in enumerate(bank)}
    replies = embed(embedder, bank, batch_size)
    found = {}
    for name, queries in (
        ("cosine", [row["context"][-1] for row in rows]),
        ("cosine_persona", [with_persona(row) for row in rows]),
    ):
        scores = embed(embedder, queries, batch_size) @ replies.T
        found[name] = [
            ranked(row["id"], values[[place[text] for text in each]].tolist(), each, logits=False)
            for row, values, each in zip(rows, scores, texts, strict=True)
        ]
    return found


def tfidf(queries: Sequence[str], bank: Sequence[str]) -> np.ndarray:
    """(queries, bank) cosines of TF-IDF vectors."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True)
    replies = vectors.fit_transform(bank)
    found: Any = vectors.transform(queries) @ replies.T
    return np.asarray(found.todense())


def bm25(queries: Sequence[str], bank: Sequence[str]) -> np.ndarray:
    """(queries, bank) scores of BM25 as Lucene has it (Kamphuis et al. 2020, table 1), k1 1.5, b 0.75."""
    import bm25s

    def words(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), token_pattern=_WORD, stopwords=None, return_ids=False, show_progress=False)

    model = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    model.index(words(bank), show_progress=False)
    return np.stack([model.get_scores(query) if query else np.zeros(len(bank)) for query in words(queries)])
