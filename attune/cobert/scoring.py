"""Ranking with a CoBERT: every distinct sequence is encoded once, then matched in chunks."""

from collections.abc import Iterable
from collections.abc import Sequence as Many

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attune.cobert.encoder import caches_lower_layers, lower_states, run_encoder
from attune.cobert.inputs import Sequence, pad
from attune.cobert.model import Cobert

# Tokens in one pass through the encoder, padding included: enough to fill two cores, little memory.
TOKENS = 4096


def _buckets(sequences: Iterable[Sequence]) -> Iterable[list[Sequence]]:
    """Distinct, non-empty sequences in order of length, in groups of at most TOKENS padded tokens."""
    bucket: list[Sequence] = []
    for sequence in sorted(set(sequences), key=lambda each: (len(each.ids), each.ids)):
        if bucket and (len(bucket) + 1) * len(sequence.ids) > TOKENS:
            yield bucket
            bucket = []
        if sequence.ids:
            bucket.append(sequence)
    if bucket:
        yield bucket


@torch.no_grad()
def encode(model: Cobert, sequences: Iterable[Sequence], lower_only: bool = False) -> dict[Sequence, Tensor]:
    """(length, d) for each distinct sequence: its last hidden states, or those after the frozen layers."""
    model.eval()
    frozen = model.config.frozen_layers
    states = {}
    for bucket in _buckets(sequences):
        batch = {name: value.to(model.device) for name, value in pad(bucket).items()}
        run = lower_states if lower_only else run_encoder
        for sequence, rows in zip(bucket, run(model.encoder, batch, frozen), strict=True):
            states[sequence] = rows[: len(sequence.ids)].clone()
    return states


def lower_cache(model: Cobert, sequences: Iterable[Sequence]) -> dict[Sequence, Tensor] | None:
    """What the frozen layers make of each sequence; None where nothing is frozen or nothing can be put back in."""
    if not model.config.frozen_layers or not caches_lower_layers(model.encoder):
        return None
    return encode(model, sequences, lower_only=True)


def encode_from(model: Cobert, cache: dict[Sequence, Tensor], sequences: Iterable[Sequence]) -> dict[Sequence, Tensor]:
    """As `encode`, from the frozen layers' output."""
    model.eval()
    states = {}
    with torch.no_grad():
        for bucket in _buckets(sequences):
            batch = stack(bucket, cache)
            for sequence, rows in zip(bucket, model.encode(batch), strict=True):
                states[sequence] = rows[: len(sequence.ids)].clone()
    return states


def stack(sequences: Many[Sequence], cache: dict[Sequence, Tensor] | None) -> dict[str, Tensor]:
    """The padded batch of `sequences`: ids, or the cached output of the frozen layers."""
    batch = pad(sequences)
    if cache is None:
        return batch
    width = next(iter(cache.values())).shape[-1]
    empty = torch.zeros(0, width)
    states = pad_sequence([cache.get(sequence, empty) for sequence in sequences], batch_first=True)
    if states.shape[1] == 0:
        states = torch.zeros(len(sequences), 1, width)
    return {"states": states, "attention_mask": batch["attention_mask"]}


@torch.no_grad()
def scores(
    model: Cobert,
    states: dict[Sequence, Tensor],
    contexts: Many[Sequence],
    personas: Many[Sequence],
    candidates: Many[Many[Sequence]],
) -> list[Tensor]:
    """For each context the scores (number of its candidates,), with `states` as `encode` gives them."""
    empty = torch.zeros(1, model.encoder.config.hidden_size, device=model.device)
    results = []
    for context, persona, responses in zip(contexts, personas, candidates, strict=True):
        rows = pad_sequence([states.get(response, empty) for response in responses], batch_first=True)
        lengths = torch.tensor([len(response.ids) for response in responses], device=model.device)
        mask = torch.arange(rows.shape[1], device=model.device)[None] < lengths[:, None]
        (x, x_mask), (p, p_mask) = (
            (side[None], torch.full((1, len(side)), bool(sequence.ids), device=model.device))
            for sequence in (context, persona)
            for side in [states.get(sequence, empty)]
        )
        results.append(model.score(x, x_mask, p, p_mask, rows, mask)[0])
    return results
