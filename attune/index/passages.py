"""Passages for retrieval-augmented generation: exchanges of the train split, similar to the one to answer.

A passage is a mapping of id, conversation, situation, input, reply, text and score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from attune.core.errors import AttuneError
from attune.index.bank import Bank, about, distinct, exchange_id

Passage = dict[str, Any]
# How many neighbours are in memory at a time, of all queries together.
_NEIGHBOURS = 1_000_000

_PASSAGE = pa.struct(
    [
        *((name, pa.string()) for name in ("id", "situation", "input", "reply", "text")),
        ("score", pa.float64()),  # the index's cosine, or CoBERT's score where it decided the order
    ]
)


def with_passages(rows: pa.Schema) -> pa.Schema:
    """The schema of processed `rows` that each have their passages, best first."""
    return rows.append(pa.field("passages", pa.list_(_PASSAGE)))


def exchanges(rows: Sequence[Mapping[str, Any]], template: str) -> list[Passage]:
    """Processed rows as passages without a score; `text` fills `template` with situation, input and reply."""
    passages = []
    for row in rows:
        parts = {"situation": row["situation"], "input": row["input"], "reply": row["target"]}
        text = template.format(**{name: part.strip() for name, part in parts.items()})
        passages.append({"id": exchange_id(row), "conversation": row["conv_id"]} | parts | {"text": text})
    return passages


def exchange_bank(bank: Bank, rows: Sequence[Mapping[str, Any]], template: str, source: Path) -> Bank:
    """The index of `bank` with the exchanges of `rows`, read from `source`, as its rows.

    Raises
    ------
    AttuneError
        if the index was built from other rows.
    """
    passages = exchanges(rows, template)
    if [row["id"] for row in bank.rows] != [passage["id"] for passage in passages]:
        raise AttuneError(f"the index was not built from {source}; run `dvc repro index`")
    return Bank(bank.index, passages)


def nearest_situations(
    bank: Bank, queries: np.ndarray, k: int, own: Sequence[str] | None = None
) -> list[list[Passage]]:
    """For each of the unit `queries` (q, d) up to k passages, best first, of k different situations.

    They also differ in their replies, by words: a prompt's room is not spent on copies. bank: of exchanges.
    own: what each query's own conversation is `about`, of which no passage is taken. A passage's score is its cosine.
    """
    # No search finds more situations than there are.
    most = k if own is None else min(k, len({about(row) for row in bank.rows}) - 1)
    passages: list[list[Passage]] = [[] for _ in queries]
    waiting, depth, exact = list(range(len(queries))), 4 * k + 8, False
    while waiting:
        # Where a few situations have many rows each, the search goes deep for most queries.
        size = max(1, _NEIGHBOURS // depth)
        for part in (waiting[start : start + size] for start in range(0, len(waiting), size)):
            neighbours = bank.nearest(queries[part], depth, exact)
            for query, rows in zip(part, neighbours, strict=True):
                others = ((row, cosine) for row, cosine in rows if own is None or about(row) != own[query])
                passages[query] = [row | {"score": cosine} for row, cosine in distinct(others)][:k]
        if depth >= len(bank.rows):
            break
        waiting, depth, exact = [query for query in waiting if len(passages[query]) < most], 4 * depth, True
    return passages


def reordered(passages: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    """By `scores`, highest first and ties in the given order; each passage gets its score."""
    order = sorted(range(len(passages)), key=lambda position: (-scores[position], position))
    return [passages[position] | {"score": scores[position]} for position in order]
