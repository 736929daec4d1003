"""How well a retriever finds the true responses in the whole bank."""

from collections.abc import Sequence
from typing import Any

from attune.core.text import words_of
from attune.evaluation.ranking.summary import about
from attune.evaluation.units import by_unit
from attune.inference.retriever import Retriever
from attune.metrics.bootstrap import with_intervals

PLACES = 6


def evaluate_retrieval(retriever: Retriever, rows: Sequence[dict[str, Any]], seed: int) -> dict[str, float]:
    """The scores of finding each row's response, which is in the bank, by its context and personas.

    replies: size of the bank; recall: share of the responses that are in the shortlist; mrr_index, mrr_reranked: mean
    reciprocal rank in the index's order and in CoBERT's, 0 for a response that is not in the shortlist. All but the
    first have 95 % intervals over the rows' units (`evaluation.units`). seed: of their resamples.

    Where the bank is no larger than the shortlist, recall says nothing and has no interval, and all_reranked is 1.
    """
    size, replies = retriever.shortlist, len(retriever.bank.rows)
    values: dict[str, list[float]] = {"recall": [], "mrr_index": [], "mrr_reranked": []}
    for row in rows:
        retrieved = retriever.retrieve(row["context"], row["personas"], size, row.get("context_speakers"))
        by_cosine = sorted(retrieved, key=lambda each: -each.cosine)
        reranked = _reciprocal_rank([each.reply for each in retrieved], row["response"])
        values["recall"].append(float(reranked > 0))
        values["mrr_index"].append(_reciprocal_rank([each.reply for each in by_cosine], row["response"]))
        values["mrr_reranked"].append(reranked)
    whose = [about(row) for row in rows]
    scores = {name: [by_unit(whose, "id", each, share=name == "recall")] for name, each in values.items()}
    found = {"replies": replies} | with_intervals(scores, seed, PLACES)
    if replies > size:
        return found
    return {name: value for name, value in found.items() if name not in ("recall_low", "recall_high")} | {
        "all_reranked": 1
    }


def _reciprocal_rank(replies: list[str], right: str) -> float:
    words = [words_of(reply) for reply in replies]  # of replies with the same words the bank gives one
    return 1 / (words.index(words_of(right)) + 1) if words_of(right) in words else 0.0
