"""Ranking test: each context's own reply among replies of the whole test split, the same for every model."""

from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

from attune.cobert.examples import examples
from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert
from attune.cobert.scoring import States, encode, lower_cache, scores
from attune.core.files import read_parquet
from attune.evaluation.ranking.candidates import candidates
from attune.metrics.ranking import ranked


class Ranking:
    """Models of one encoder on one test set; what frozen layers make of a sequence is made once for all of them.

    contexts: rows of the PEC schema; `candidates`: those of each row, the right one first.
    """

    def __init__(self, contexts: Many[dict[str, Any]], candidates: Many[Many[str]]) -> None:
        self.contexts, self.candidates = contexts, candidates
        self._lower: dict[int, States] = {}

    def rank(self, model: Cobert, inputs: Inputs, contexts: Many[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """As `evaluate`; `contexts` may stand for the test set's own, with other personas for instance."""
        lower = self._lower.setdefault(model.config.frozen_layers, {})
        given = self.contexts if contexts is None else contexts
        return evaluate(model, inputs, given, self.candidates, lower)


def evaluate(
    model: Cobert,
    inputs: Inputs,
    rows: Many[dict[str, Any]],
    texts: Many[Many[str]],
    lower: States | None = None,
) -> list[dict[str, Any]]:
    """A row an example: id, rank, loss (nats), the right reply and the one ranked first.

    `texts`: the candidates of each row, the right one first. `lower`: what another model's frozen layers, of the same
    encoder and number, made of some sequences; what is new is added to it.
    """
    parts = examples(rows, inputs)
    replies = [[inputs.response(text) for text in each] for each in texts]
    sequences = [
        sequence
        for each, responses in zip(parts, replies, strict=True)
        for sequence in (each.context, each.persona, *responses)
    ]
    states = encode(model, sequences, lower_cache(model, sequences, lower))
    found = scores(model, states, [each.context for each in parts], [each.persona for each in parts], replies)
    return [
        ranked(row["id"], values.tolist(), each, logits=True)
        for row, values, each in zip(rows, found, texts, strict=True)
    ]


def test_set(processed: Path, subset: str, domain: str, options: Any, seed: int) -> Ranking:
    """The ranking test of a subset and domain of processed PEC; `options`: params.yaml's `cobert`."""
    rows = read_parquet(processed / subset / domain / "test.parquet")
    pool = [row["response"] for row in read_parquet(processed / "candidates" / f"{domain}.parquet")]
    return Ranking(rows, candidates(rows, pool, options.candidates, seed, options.drawn_from))
