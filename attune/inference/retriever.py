"""Persona-aware retrieval: a sentence index proposes replies, CoBERT puts them in order."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from attune.core.errors import AttuneError
from attune.index.bank import Bank, distinct
from attune.index.embedding import embed, load_embedder
from attune.index.reader import reads_whole, with_persona
from attune.inference.arguments import beside, checked
from attune.inference.ranker import Ranker


@dataclass(frozen=True)
class Retrieved:
    """A row of the bank, CoBERT's score of its reply (a logit), and the cosine by which the index proposed it.

    cosine: of the row's embedding and the direction halfway between those of the last turn and of the last turn with
    the persona's first sentences: at most as many as CoBERT is to read (`num_personas`), and as fit beside that turn.
    """

    row: dict[str, Any]
    score: float
    cosine: float

    @property
    def reply(self) -> str:
        return self.row["reply"]


@dataclass(frozen=True)
class Retriever:
    """Retrieves replies from `bank`, whose rows have a `reply`.

    CoBERT scores only the `shortlist` (at least k) rows that are nearest by the embedder's cosine.
    """

    ranker: Ranker
    embedder: Any
    bank: Bank
    shortlist: int = 100

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        encoder: str | Path | None = None,
        index: str | Path | None = None,
        embedder: str | Path | None = None,
        shortlist: int = 100,
    ) -> "Retriever":
        """A trained CoBERT from its folder, with an index of replies and the sentence encoder that built the index.

        encoder: as for `Ranker.from_pretrained`. index, embedder: their folders; by default as the pipeline lays them
        out around `path`, ROOT/models/cobert/NAME: ROOT/data/index/CORPUS of the corpus whose replies are ranked, and
        ROOT/models/base/embedder.

        Raises
        ------
        AttuneError
            if one of the folders lacks what should be loaded; it names the stage that writes it. If the embedder's
            vectors have another length than the index's.
        """
        from attune.corpora import ranking_corpus

        embedding = Path(embedder or beside(path, 3, "models", "base", "embedder"))
        folder = Path(index or beside(path, 3, "data", "index", ranking_corpus().name))
        found = cls(Ranker.from_pretrained(path, encoder), load_embedder(embedding), Bank.load(folder), shortlist)
        length = embed(found.embedder, ["a"], batch_size=1).shape[1]
        if length != found.bank.index.d:
            raise AttuneError(
                f"the vectors of {embedding} have {length} numbers and those in {folder} {found.bank.index.d}; name "
                "the embedder that built the index, or run `dvc repro index`"
            )
        return found

    def retrieve(
        self, context: Sequence[str], persona: Sequence[str], k: int = 5, speakers: Sequence[Any] | None = None
    ) -> list[Retrieved]:
        """The `k` replies that CoBERT scores highest, best first, equal scores in the index's order.

        context: the turns, oldest first, ending with the message to answer. persona: sentences about the person who
        replies, possibly none. speakers: as for `Ranker.rank`, and so is the wording of all text.
        The replies differ in their words and are of different conversations; fewer than `k` where the bank has no more.

        Raises
        ------
        ValueError
            without a turn, for a `k` below 1, and for what is no list of strings.
        """
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        context, persona = checked("context", context, "turn"), checked("persona", persona)  # both are read twice
        near = self._nearest(query(self.embedder, context, persona, self.ranker.inputs.num_personas), k)
        (scores,) = self.ranker.scores([context], [persona], [[row["reply"] for row, _ in near]], [speakers])
        scored = [Retrieved(row, score, cosine) for (row, cosine), score in zip(near, scores, strict=True)]
        best = sorted(scored, key=lambda each: -each.score)[:k]
        return [replace(each, row=deepcopy(each.row)) for each in best]  # the bank's own stay as they are

    def reads_whole(self, message: str) -> bool:
        """Whether the index is searched by all of the message, and not by its end alone."""
        return reads_whole(self.embedder, message)

    def _nearest(self, vector: np.ndarray, k: int) -> list[tuple[dict[str, Any], float]]:
        """The shortlist without copies; longer where fewer than `k` would be left."""
        depth, exact, deeper = max(self.shortlist, k), False, False
        while True:
            near = distinct(self.bank.nearest(vector, depth, exact)[0])
            if len(near) >= k or depth >= len(self.bank.rows):
                return near[: max(self.shortlist, k)]
            # A few copies cost a second search; where that falls short too, the graph holds back what there is.
            depth, exact, deeper = 4 * depth, deeper, True


def query(embedder: Any, context: Sequence[str], persona: Sequence[str], num_personas: int) -> np.ndarray:
    """(1, d), unit length: halfway between the embeddings of the last turn and of the last turn with the persona.

    Zeros where the embedder gives zeros, as some do for a text of which they know no word: every row is as near.

    num_personas: the sentences that are used at most, the first of those given.
    """
    last = checked("context", context, "turn")[-1]
    texts = [last, with_persona(embedder, last, checked("persona", persona), num_personas)]
    vectors = embed(embedder, texts, batch_size=2, role="query").sum(0, keepdims=True)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(vectors.dtype).tiny)
