"""How well a retriever finds the true responses in the whole bank."""

from collections.abc import Sequence
from typing import Any

from attune.core.text import words_of
from attune.inference.retriever import Retriever
from attune.metrics.bootstrap import Ratio, with_intervals

PLACES = 6


def evaluate_retrieval(retriever: Retriever, rows: Sequence[dict[str, Any]], seed: int) -> dict[str, float]:
    """The scores of finding each row's response, which is in the bank, by its context and personas.

    replies: size of the bank; recall: share of the responses that are in the shortlist; mrr_index, mrr_reranked: mean
    reciprocal rank in the index's order and in CoBERT's, 0 for a response that is not in the shortlist. All but the
    first have 95 % intervals over the rows. seed: of their resamples.

    Where the bank is no larger than the shortlist, recall says nothing and has no interval, and all_reranked is 1.
    """
    size, replies = retriever.shortlist, len(retriever.bank.rows)
    by_index: dict[str, float] = {}
    reranked: dict[str, float] = {}
    for row in rows:
        retrieved = retriever.retrieve(row["context"], row["personas"], size, row.get("context_speakers"))
        reranked[row["id"]] = _reciprocal_rank([each.reply for each in retrieved], row["response"])
        by_cosine = sorted(retrieved, key=lambda each: -each.cosine)
        by_index[row["id"]] = _reciprocal_rank([each.reply for each in by_cosine], row["response"])
    recalled = {name: float(value > 0) for name, value in reranked.items()}
    values = {"recall": recalled, "mrr_index": by_index, "mrr_reranked": reranked}
    scores = {name: [Ratio.mean(each, share=name == "recall")] for name, each in values.items()}
    found = {"replies": replies} | with_intervals(scores, seed, PLACES)
    if replies > size:
        return found
    return {name: value for name, value in found.items() if name not in ("recall_low", "recall_high")} | {
        "all_reranked": 1
    }


def _reciprocal_rank(replies: list[str], right: str) -> float:
    words = [words_of(reply) for reply in replies]  # of replies with the same words the bank gives one
    return 1 / (words.index(words_of(right)) + 1) if words_of(right) in words else 0.0
