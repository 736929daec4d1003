"""Passages for generators: the nearest train exchanges, in the index's order or in that of a ranker with a persona."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from attune.core.files import read_parquet
from attune.index.bank import Bank, about
from attune.index.embedding import embed
from attune.index.passages import Passage, exchange_bank, nearest_situations, reordered
from attune.index.reader import reads_whole, tells_queries_apart


class Scorer(Protocol):
    """A `Ranker`, or whatever scores replies as it does; retrieval without a ranker does not depend on CoBERT."""

    def scores(
        self,
        contexts: Sequence[Sequence[str]],
        personas: Sequence[Sequence[str]],
        replies: Sequence[Sequence[str]],
        speakers: Sequence[Sequence[Any] | None] | None = None,
        /,
    ) -> list[list[float]]: ...


@dataclass(frozen=True)
class PassageRetriever:
    """Retrieves exchanges from `bank` whose message is similar to what was said last.

    batch_size: texts embedded at a time; the last bits of a cosine depend on it.
    """

    embedder: Any
    bank: Bank
    batch_size: int = 1

    @classmethod
    def from_index(cls, index: Path, rows: Path, embedder: Any, template: str, batch_size: int = 1) -> Self:
        """index: a folder that the stage `index` wrote. rows: the parquet file that it was built from.

        embedder: the sentence encoder. template: a passage's text, with {situation}, {input} and {reply}.

        Raises
        ------
        AttuneError
            for a missing index, and for one that was built from other rows.
        """
        bank = exchange_bank(Bank.load(index), read_parquet(rows), template, rows)
        return cls(embedder, bank, batch_size)

    def nearest(self, messages: Sequence[str], k: int) -> list[list[Passage]]:
        """For each message, of a conversation that the bank does not hold, up to k passages (`nearest_situations`)."""
        return nearest_situations(self.bank, self._queries(messages), k)

    def reads_whole(self, message: str) -> bool:
        """Whether passages are searched by all of the message, and not by its end alone."""
        return reads_whole(self.embedder, message)

    def nearest_to_indexed(self, k: int) -> list[list[Passage]]:
        """As `nearest` for the rows of the bank, without passages about a row's own situation.

        A reply to learn is thereby in its passages no more often than a test reply is in those of its prompt. The rows'
        vectors are in the index already; an encoder that reads queries otherwise than documents embeds them again.
        """
        apart = tells_queries_apart(self.embedder)
        queries = self._queries([passage["input"] for passage in self.bank.rows]) if apart else self.bank.vectors()
        return nearest_situations(self.bank, queries, k, [about(passage) for passage in self.bank.rows])

    def _queries(self, messages: Sequence[str]) -> np.ndarray:
        return embed(self.embedder, messages, self.batch_size, role="query")


def reranked(
    ranker: Scorer,
    contexts: Sequence[Sequence[str]],
    persona: Sequence[str],
    passages: Sequence[Sequence[Passage]],
    speakers: Sequence[Sequence[Any] | None] | None = None,
) -> list[list[Passage]]:
    """Each context's passages ordered by how well their replies suit it from someone with this persona.

    contexts: turns, oldest first; speakers: of these turns, as for `Ranker.rank`. CoBERT's score
    takes the place of the cosine; ties keep the given order.
    """
    replies = [[passage["reply"] for passage in each] for each in passages]
    scores = ranker.scores(contexts, [persona] * len(contexts), replies, speakers)
    return [reordered(each, values) for each, values in zip(passages, scores, strict=True)]
