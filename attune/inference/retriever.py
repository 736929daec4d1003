"""Persona-aware retrieval: the sentence index proposes replies, CoBERT decides their order."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

import numpy as np

from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert
from attune.cobert.scoring import encode, scores
from attune.index.bank import Bank
from attune.index.embedding import embed


@dataclass(frozen=True)
class Found:
    """A row of the bank with CoBERT's score and the index's cosine."""

    row: dict[str, Any]
    score: float
    cosine: float


class Retriever:
    """Finds replies in `bank`, whose rows have a `reply`; only the index's `shortlist` best are given to CoBERT."""

    def __init__(self, model: Cobert, inputs: Inputs, embedder: Any, bank: Bank, shortlist: int) -> None:
        self.model, self.inputs, self.embedder = model, inputs, embedder
        self.bank, self.shortlist = bank, shortlist

    def retrieve(self, context: Many[str], persona: Many[str], k: int) -> list[Found]:
        """The k distinct replies that CoBERT scores highest, best first, ties in the index's order.

        `context`: its turns, oldest first. `persona`: the sentences of whoever replies.

        Raises
        ------
        ValueError
            for a context without a turn.
        """
        near = self.bank.nearest(query(self.embedder, context, persona), max(self.shortlist, k))[0]
        distinct: dict[str, tuple[dict[str, Any], float]] = {}
        for row, cosine in near:
            distinct.setdefault(row["reply"], (row, cosine))
        proposed = list(distinct.values())
        found = self.rerank(context, persona, [row["reply"] for row, _ in proposed])
        order = sorted(range(len(proposed)), key=lambda place: (-found[place], place))
        return [Found(proposed[place][0], found[place], proposed[place][1]) for place in order[:k]]

    def rerank(self, context: Many[str], persona: Many[str], replies: Many[str]) -> list[float]:
        """CoBERT's score of each reply."""
        return rerank(self.model, self.inputs, [context], [persona], [replies])[0]


def rerank(
    model: Cobert,
    inputs: Inputs,
    contexts: Many[Many[str]],
    personas: Many[Many[str]],
    replies: Many[Many[str]],
) -> list[list[float]]:
    """CoBERT's scores of each context's own replies; what occurs more than once is encoded once."""
    about, who = [inputs.context(each) for each in contexts], [inputs.persona(each) for each in personas]
    texts = [[inputs.response(reply) for reply in each] for each in replies]
    states = encode(model, [*about, *who, *(text for each in texts for text in each)])
    return [found.tolist() for found in scores(model, states, about, who, texts)]


def query(embedder: Any, context: Many[str], persona: Many[str]) -> np.ndarray:
    """(1, d), unit length: what a reply should be near to, the last turn and the last turn told by this persona."""
    if not context:
        raise ValueError("a context has at least one turn")
    last = context[-1]
    vectors = embed(embedder, [last, " ".join([last, *persona])], batch_size=2).sum(0, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
