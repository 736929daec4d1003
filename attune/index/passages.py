"""Retrieval for generation: exchanges of other train conversations that are like the one to be answered.

A passage is a mapping of id, situation, input, reply, text and score, as `schemas.RAG` has it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from attune.core.errors import AttuneError
from attune.corpora.schemas import REPLIES
from attune.index.bank import Bank

Passage = dict[str, Any]

# A reply's row with exchanges of other train conversations, best first.
RAG = REPLIES.append(
    pa.field(
        "passages",
        pa.list_(
            pa.struct(
                [
                    *((name, pa.string()) for name in ("id", "situation", "input", "reply", "text")),
                    ("score", pa.float64()),  # the index's cosine, or CoBERT's score where it set the order
                ]
            )
        ),
    )
)


def about(row: dict[str, Any]) -> str:
    """What an exchange is found by: its situation, where one is known, and what was said last."""
    return " ".join(part for part in (row["situation"], row["input"]) if part)


def exchanges(rows: Sequence[dict[str, Any]], template: str) -> list[dict[str, Any]]:
    """Rows of `schemas.REPLIES` as an index may find them; `text` is what `template` makes of one."""
    found = []
    for row in rows:
        parts = {"situation": row["situation"], "input": row["input"], "reply": row["target"]}
        text = template.format(**{name: part.strip() for name, part in parts.items()})
        place = {"id": f"{row['conv_id']}#{row['turn']}", "conversation": row["conv_id"]}
        found.append(place | parts | {"text": text})
    return found


def of_index(bank: Bank, rows: Sequence[dict[str, Any]], template: str, source: Path) -> Bank:
    """The index of `bank` over the exchanges of `rows`, which `source` holds.

    Raises
    ------
    AttuneError
        if the index was made of other rows.
    """
    found = exchanges(rows, template)
    if [row["id"] for row in bank.rows] != [row["id"] for row in found]:
        raise AttuneError(f"the index of EmpatheticDialogues is not of {source}; run `dvc repro index`")
    return Bank(bank.index, found)


def nearest_conversations(bank: Bank, queries: np.ndarray, own: Sequence[str | None], k: int) -> list[list[Passage]]:
    """For each of the unit `queries` (q, d) up to k passages of as many conversations, best first, cosine as score.

    `own`: the conversation that each query is from, of which nothing is given. The bank's rows are `exchanges`.
    """
    found: list[list[Passage]] = [[] for _ in own]
    missing, reach = list(range(len(own))), 4 * k + 8
    while missing:
        near = bank.nearest(queries[missing], reach)
        for at, rows in zip(missing, near, strict=True):
            best: dict[str, Passage] = {}
            for row, cosine in rows:
                if row["conversation"] != own[at]:
                    best.setdefault(row["conversation"], row | {"score": cosine})
            found[at] = list(best.values())[:k]
        if reach >= len(bank.rows):
            break
        missing, reach = [at for at in missing if len(found[at]) < k], 4 * reach
    return found


def reordered(passages: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    """By the scores, highest first, ties as they were."""
    order = sorted(range(len(passages)), key=lambda at: (-scores[at], at))
    return [passages[at] | {"score": scores[at]} for at in order]
