"""How well a retriever finds the true responses in the whole bank."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from attune.core.text import words_of
from attune.inference.retriever import Retriever


def evaluate_retrieval(retriever: Retriever, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The scores of finding each row's response, which is in the bank, by its context and personas.

    replies: size of the bank; recall: share of the responses that are in the shortlist; mrr_index, mrr_reranked: mean
    reciprocal rank in the index's order and in CoBERT's, 0 for a response that is not in the shortlist.
    """
    size = retriever.shortlist
    by_index, reranked = [], []
    for row in rows:
        retrieved = retriever.retrieve(row["context"], row["personas"], size, row.get("context_speakers"))
        reranked.append(_reciprocal_rank([each.reply for each in retrieved], row["response"]))
        by_cosine = sorted(retrieved, key=lambda each: -each.cosine)
        by_index.append(_reciprocal_rank([each.reply for each in by_cosine], row["response"]))
    return {
        "replies": len(retriever.bank.rows),
        "recall": round(fmean(each > 0 for each in reranked), 6),
        "mrr_index": round(fmean(by_index), 6),
        "mrr_reranked": round(fmean(reranked), 6),
    }


def _reciprocal_rank(replies: list[str], right: str) -> float:
    words = [words_of(reply) for reply in replies]  # of replies with the same words the bank gives one
    return 1 / (words.index(words_of(right)) + 1) if words_of(right) in words else 0.0
