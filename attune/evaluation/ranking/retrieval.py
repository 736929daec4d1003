"""How a retriever finds test replies in the whole bank."""

from collections.abc import Sequence as Many
from statistics import fmean
from typing import Any

from attune.inference.retriever import Retriever


def in_the_bank(retriever: Retriever, rows: Many[dict[str, Any]]) -> dict[str, float]:
    """How rows of the PEC schema find their own reply in the whole bank.

    replies: the bank's size; recall: share of the replies that the shortlist holds; mrr_index and mrr_reranked: mean
    reciprocal rank in the index's order and in CoBERT's, 0 for a reply that is not in the shortlist.
    """
    size = retriever.shortlist
    before, after = [], []
    for row in rows:
        found = retriever.retrieve(row["context"], row["personas"], size)
        after.append(_reciprocal([each.row["reply"] for each in found], row["response"]))
        by_cosine = sorted(found, key=lambda each: -each.cosine)
        before.append(_reciprocal([each.row["reply"] for each in by_cosine], row["response"]))
    return {
        "replies": len(retriever.bank.rows),
        "recall": round(fmean(each > 0 for each in after), 6),
        "mrr_index": round(fmean(before), 6),
        "mrr_reranked": round(fmean(after), 6),
    }


def _reciprocal(replies: list[str], right: str) -> float:
    return 1 / (replies.index(right) + 1) if right in replies else 0.0
