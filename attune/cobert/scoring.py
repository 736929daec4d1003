"""Scoring with a CoBERT: every distinct sequence is encoded once, then each context is matched with its candidates."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attune.cobert.encoder import caches_lower_layers, lower_states
from attune.cobert.inputs import TokenSequence, pad
from attune.cobert.matchers import Side
from attune.cobert.model import Cobert
from attune.core.batching import by_length
from attune.core.workers import spread

# Tokens per pass through the encoder, padding included: enough to keep two cores busy, and little memory.
TOKENS = 1024
# Contexts that are matched at once with the same candidates.
CONTEXTS = 16
# The most memory that the cached output of frozen layers may take; beyond it they are computed each time.
CACHE_BYTES = 4 * 2**30

# The (length, d) states of each sequence.
States = dict[TokenSequence, Tensor]
# Contexts with their personas, and the replies that each of them is matched with.
Group = tuple[Sequence[TokenSequence], Sequence[TokenSequence], Side]


def _buckets(sequences: Iterable[TokenSequence]) -> Iterator[list[TokenSequence]]:
    """Distinct, non-empty sequences by length, in groups of at most TOKENS tokens once padded."""
    distinct = sorted({each for each in sequences if each.ids}, key=lambda each: (len(each.ids), each.ids))
    for group in by_length([len(each.ids) for each in distinct], tokens=TOKENS):
        yield [distinct[at] for at in group]


def _on(device: torch.device, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in batch.items()}


@torch.no_grad()
def encoded(
    model: Cobert, sequences: Iterable[TokenSequence], lower: States | None = None
) -> Iterator[tuple[TokenSequence, Tensor]]:
    """Each distinct sequence with its last hidden states (length, d), which keep those of its batch in memory.

    lower: as `lower_cache` returns it.
    """
    model.eval()

    def of(bucket: list[TokenSequence]) -> list[tuple[TokenSequence, Tensor]]:
        rows = model.encode(_on(model.device, stack(bucket, lower))).states
        return [(each, row[: len(each.ids)]) for each, row in zip(bucket, rows, strict=True)]

    for found in spread(of, _buckets(sequences), model.device):
        yield from found


def encode(model: Cobert, sequences: Iterable[TokenSequence], lower: States | None = None) -> States:
    """The last hidden states (length, d) of each distinct sequence; `lower` as `lower_cache` returns it."""
    return {each: states.clone() for each, states in encoded(model, sequences, lower)}


@torch.no_grad()
def lower_cache(model: Cobert, sequences: Iterable[TokenSequence], known: States | None = None) -> States | None:
    """The frozen layers' output (length, d) for each distinct sequence, in CPU memory; new ones are added to `known`.

    None where no layer is frozen, the encoder cannot start from such output, or it and what is `known` already would
    exceed CACHE_BYTES.
    """
    frozen, distinct = model.config.frozen_layers, set(sequences)
    cache = {} if known is None else known
    size = sum(len(each.ids) for each in distinct.union(cache)) * model.encoder.config.hidden_size * 4
    if not frozen or not caches_lower_layers(model.encoder) or size > CACHE_BYTES:
        return None
    model.eval()

    def of(bucket: list[TokenSequence]) -> States:
        rows = lower_states(model.encoder, _on(model.device, pad(bucket)), frozen).cpu()
        return {each: row[: len(each.ids)].clone() for each, row in zip(bucket, rows, strict=True)}

    for found in spread(of, _buckets(distinct - cache.keys()), model.device):
        cache |= found
    return cache


def stack(sequences: Sequence[TokenSequence], lower: States | None) -> dict[str, Tensor]:
    """The padded batch of `sequences`: token ids, or in their place the cached output of the frozen layers."""
    batch = pad(sequences)
    if lower is None:
        return batch
    width = next(iter(lower.values())).shape[-1] if lower else 1
    empty = torch.zeros(0, width)
    states = pad_sequence([lower.get(sequence, empty) for sequence in sequences], batch_first=True)
    if states.shape[1] == 0:
        states = torch.zeros(len(sequences), 1, width)
    return {"states": states, "attention_mask": batch["attention_mask"], "parts": batch["parts"]}


def side(states: States, sequences: Sequence[TokenSequence], width: int, device: torch.device) -> Side:
    """The `states` of `sequences`, as `encode` returns them, padded into one side of a matching; `width` is d."""
    batch = pad(sequences)
    empty = torch.zeros(1, width, device=device)
    rows = pad_sequence([states.get(sequence, empty) for sequence in sequences], batch_first=True)
    return Side(rows, batch["attention_mask"].to(device), batch["parts"].to(device))


@torch.no_grad()
def scores(
    model: Cobert,
    states: States,
    contexts: Sequence[TokenSequence],
    personas: Sequence[TokenSequence],
    candidates: Sequence[Sequence[TokenSequence]],
) -> list[Tensor]:
    """Each context's scores of its candidates, (number of candidates,); `states` as `encode` returns them.

    Neighbours with the same candidates are scored together, CONTEXTS at a time.
    """
    shape = model.encoder.config.hidden_size, model.device

    def of(group: Group) -> Tensor:
        given, known, response = group
        return model.score(side(states, given, *shape), side(states, known, *shape), response)

    def groups() -> Iterator[Group]:
        for replies, rows in groupby(zip(contexts, personas, candidates, strict=True), key=lambda row: row[2]):
            response, group = side(states, replies, *shape), list(rows)
            for start in range(0, len(group), CONTEXTS):
                given, known, _ = zip(*group[start : start + CONTEXTS], strict=True)
                yield given, known, response

    return [row for rows in spread(of, groups(), model.device) for row in rows]
