"""Replies to everyday messages: whether each is about its message, and whether it feels as the writer does.

The test replies of a corpus are worded as those that a generator has learned from. These messages are of no corpus.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attune.evaluation.comparison import Comparison
from attune.evaluation.families import EVERYDAY
from attune.evaluation.generation.summary import Score, estimated, means
from attune.evaluation.schemas import JUDGED, SHARES
from attune.index.embedding import embed
from attune.metrics.bootstrap import compare
from attune.metrics.ratio import Ratio

MESSAGES = Path(__file__).with_name("everyday.toml")
# Decimals of cosines: more of them differ between machines.
_PLACES = 4


@dataclass(frozen=True)
class Message:
    """A message of somebody who is glad or else troubled, and a reply that was written by hand."""

    id: str
    text: str
    glad: bool
    reply: str


@dataclass(frozen=True)
class Everyday:
    """further: replies by hand to other messages, each with whether its message was glad."""

    messages: list[Message]
    further: list[tuple[str, bool]]

    @classmethod
    def read(cls) -> "Everyday":
        """What everyday.toml holds."""
        bank = tomllib.loads(MESSAGES.read_text(encoding="utf-8"))
        messages = [
            Message(f"{feeling} {number}", text, feeling == "glad", reply)
            for feeling in ("glad", "troubled")
            for number, (text, reply) in enumerate(bank[feeling], 1)
        ]
        return cls(
            messages, [(text, feeling == "glad") for feeling, texts in bank["replies"].items() for text in texts]
        )


def judged(rows: Sequence[Mapping[str, Any]], given: Everyday, encoder: Any, batch_size: int) -> list[dict[str, Any]]:
    """The rows, of any systems, completed as `schemas.EVERYDAY` has them; an empty reply has 0 everywhere.

    own_message: 1 if none of the messages is nearer to the reply, by the cosine of sentence embeddings, than the one
    that it answers. right_feeling: 1 if a linear probe, which has learned from the further replies by hand, takes it
    for a reply to somebody who feels so.
    """
    messages = embed(encoder, [each.text for each in given.messages], batch_size)
    by_hand = embed(encoder, [each.reply for each in given.messages], batch_size)
    replies = embed(encoder, [row["reply"] for row in rows], batch_size)
    glad = _probe(given, encoder, batch_size).predict(replies)
    near, like = (np.round(replies @ texts.T, _PLACES) for texts in (messages, by_hand))
    places = {each.id: at for at, each in enumerate(given.messages)}
    completed = []
    for number, row in enumerate(rows):
        at = places[row["id"]]
        own, right = near[number, at] >= near[number].max(), glad[number] == given.messages[at].glad
        values = (float(like[number, at]), float(own), float(right)) if row["reply"].strip() else (0.0, 0.0, 0.0)
        completed.append({**row, **dict(zip(("similarity", *JUDGED), values, strict=True))})
    return completed


def _probe(given: Everyday, encoder: Any, batch_size: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    texts, glad = zip(*given.further, strict=True)
    model = LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced")
    return model.fit(embed(encoder, texts, batch_size), glad)


def scores(rows: Sequence[Mapping[str, Any]], seed: int) -> list[Score]:
    """The SHARES, the similarity to the reply by hand and the replies' words, with intervals over the messages."""
    of_replies = means([{**row, "conversation": row["id"], "cluster": ""} for row in rows])
    return [estimated(name, ratio, seed) for name, ratio in _shares(rows).items()] + [
        estimated(name, of_replies[name], seed) for name in ("similarity", "replies_words", "replies_truncated")
    ]


def comparisons(
    systems: Mapping[str, Sequence[Mapping[str, Any]]], pairs: Iterable[tuple[str, str]], seed: int
) -> list[Comparison]:
    """The SHARES of each pair's first system against those of its second, paired by message."""
    shares = {name: _shares(rows) for name, rows in systems.items()}
    return [
        Comparison.of(before, after, share, compare([left], [shares[after][share]], seed), EVERYDAY)
        for before, after in pairs
        for share, left in shares[before].items()
    ]


def _shares(rows: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """Of all replies those that are nearest to their own message; of those to either feeling those that have it."""
    of: dict[str, list[Mapping[str, Any]]] = {"glad": [], "troubled": []}
    for row in rows:
        of[row["id"].partition(" ")[0]].append(row)
    parts = zip(SHARES, (rows, *of.values()), ("own_message", "right_feeling", "right_feeling"), strict=True)
    return {share: Ratio.mean({row["id"]: row[column] for row in part}, share=True) for share, part, column in parts}
