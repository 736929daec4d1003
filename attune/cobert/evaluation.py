"""Ranking test: each context's own reply among replies of the whole test split, the same for every model."""

from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

from attune.candidates import draw_candidates
from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert, inputs_for
from attune.cobert.scoring import encode, scores
from attune.cobert.training import examples, summary
from attune.scores import rank


def untrained(encoder: Path, recipe: dict[str, Any]) -> tuple[Cobert, Inputs]:
    """CoBERT as `recipe` starts it: the encoder's own weights."""
    model = Cobert.from_encoder(
        encoder,
        context_length=recipe["max_length"],
        num_personas=recipe["num_personas"],
        score_scale=recipe["score_scale"],
    )
    return model.eval(), inputs_for(model, encoder)


def saved(folder: Path) -> tuple[Cobert, Inputs]:
    """A trained CoBERT from its folder, to be evaluated or used without training."""
    model = Cobert.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return model.eval(), inputs_for(model, folder)


def candidate_texts(rows: Many[dict[str, Any]], pool: Many[str], count: int, seed: int) -> list[list[str]]:
    """For each row of the PEC schema `count` distinct replies, its own first; `pool` is the whole test split's."""
    distinct = sorted(set(pool))
    return [draw_candidates(row["response"], row["id"], distinct, count, seed) for row in rows]


def evaluate(
    model: Cobert, inputs: Inputs, rows: Many[dict[str, Any]], candidates: Many[Many[str]]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """(loss, MRR, R@k over `rows`; a row an example: id, rank, the right reply and the one ranked first)."""
    parts = examples(rows, inputs)
    replies = [[inputs.response(text) for text in texts] for texts in candidates]
    states = encode(
        model,
        [
            sequence
            for each, responses in zip(parts, replies, strict=True)
            for sequence in (each.context, each.persona, *responses)
        ],
    )
    found = scores(model, states, [each.context for each in parts], [each.persona for each in parts], replies)
    written = [
        {
            "id": row["id"],
            "rank": rank(values.tolist(), 0),
            "response": row["response"],
            "first": texts[int(values.argmax())],
        }
        for row, values, texts in zip(rows, found, candidates, strict=True)
    ]
    return {name: round(value, 6) for name, value in summary(found, [0] * len(rows)).items()}, written
