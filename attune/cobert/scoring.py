"""Ranking with a CoBERT: every distinct sequence is encoded once, then matched context by context."""

from collections.abc import Iterable
from collections.abc import Sequence as Many

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attune.cobert.encoder import caches_lower_layers, lower_states
from attune.cobert.inputs import Sequence, pad
from attune.cobert.matchers import Side
from attune.cobert.model import Cobert

# Tokens in one pass through the encoder, padding included: enough to fill two cores, little memory.
TOKENS = 1024
# What the frozen layers' output may take in memory; above, they are computed again each time.
CACHE_BYTES = 4 * 2**30

States = dict[Sequence, Tensor]


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


def _on(device: torch.device, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in batch.items()}


@torch.no_grad()
def encode(model: Cobert, sequences: Iterable[Sequence], lower: States | None = None) -> States:
    """(length, d) last hidden states of each distinct sequence, from the frozen layers' output where it is there."""
    model.eval()
    states: States = {}
    for bucket in _buckets(sequences):
        found = model.encode(_on(model.device, stack(bucket, lower))).states
        states |= {each: rows[: len(each.ids)].clone() for each, rows in zip(bucket, found, strict=True)}
    return states


@torch.no_grad()
def lower_cache(model: Cobert, sequences: Iterable[Sequence], known: States | None = None) -> States | None:
    """What the frozen layers make of each distinct sequence, in the CPU's memory; what is new is added to `known`.

    None where nothing is frozen, nothing can be put back in, or it would take more than CACHE_BYTES.
    """
    frozen, distinct = model.config.frozen_layers, set(sequences)
    size = sum(len(each.ids) for each in distinct) * model.encoder.config.hidden_size * 4
    if not frozen or not caches_lower_layers(model.encoder) or size > CACHE_BYTES:
        return None
    model.eval()
    cache = {} if known is None else known
    for bucket in _buckets(distinct - cache.keys()):
        found = lower_states(model.encoder, _on(model.device, pad(bucket)), frozen).cpu()
        cache |= {each: rows[: len(each.ids)].clone() for each, rows in zip(bucket, found, strict=True)}
    return cache


def stack(sequences: Many[Sequence], lower: States | None) -> dict[str, Tensor]:
    """The padded batch of `sequences`: ids, or the cached output of the frozen layers."""
    batch = pad(sequences)
    if lower is None:
        return batch
    width = next(iter(lower.values())).shape[-1] if lower else 1
    empty = torch.zeros(0, width)
    states = pad_sequence([lower.get(sequence, empty) for sequence in sequences], batch_first=True)
    if states.shape[1] == 0:
        states = torch.zeros(len(sequences), 1, width)
    return {"states": states, "attention_mask": batch["attention_mask"], "parts": batch["parts"]}


def side(states: States, sequences: Many[Sequence], width: int, device: torch.device) -> Side:
    """The states of `sequences`, as `encode` gave them, as one padded side of a matching."""
    batch = pad(sequences)
    empty = torch.zeros(1, width, device=device)
    rows = pad_sequence([states.get(sequence, empty) for sequence in sequences], batch_first=True)
    return Side(rows, batch["attention_mask"].to(device), batch["parts"].to(device))


@torch.no_grad()
def scores(
    model: Cobert,
    states: States,
    contexts: Many[Sequence],
    personas: Many[Sequence],
    candidates: Many[Many[Sequence]],
) -> list[Tensor]:
    """For each context the scores (number of its candidates,), with `states` as `encode` gives them."""
    shape = model.encoder.config.hidden_size, model.device
    return [
        model.score(side(states, [context], *shape), side(states, [persona], *shape), side(states, replies, *shape))[0]
        for context, persona, replies in zip(contexts, personas, candidates, strict=True)
    ]
