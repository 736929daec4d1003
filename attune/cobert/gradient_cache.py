"""Training steps whose memory is bounded by the micro-batch, whatever the batch size (Gao et al. 2021, section 3)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attune.cobert.cross_batch_memory import CrossBatchMemory
from attune.cobert.matchers import Side
from attune.cobert.model import Cobert, cross_entropy
from attune.training.random_states import RandomStates, random_states, restored

Batch = dict[str, Tensor]
Precision = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class _MicroBatch:
    """`rows` of a batch, cut to their longest, and the random states before their dropout was drawn."""

    rows: slice
    batch: Batch
    random_states: RandomStates


# One side of a batch as a leaf of the graph that takes a gradient, and where that goes: the states as encoded, with
# their graph, or the micro-batches that are encoded again.
Encoded = tuple[Side, Tensor | list[_MicroBatch]]


def step(
    model: Cobert,
    inputs: dict[str, Any],
    micro_batch: int | None,
    share: float,
    precision: Precision = nullcontext,
    memory: CrossBatchMemory | None = None,
) -> Tensor:
    """Add the gradients of `share` * model(**inputs)["loss"] to the model's, and return that loss (a scalar).

    First every sequence is encoded, `micro_batch` at a time, without a graph. Then scores and their gradients are
    computed in blocks of `micro_batch` contexts and responses. Last, each micro-batch is encoded again and its part of
    the gradient is propagated through the encoder. Whatever is computed twice has the same dropout both times. Only
    states and scores are held for the whole batch; without a `micro_batch` every sequence is encoded once and its graph
    kept.

    precision: the context in which the encoder runs, such as autocast. memory: has further negatives, and takes in the
    batch's replies, whose ids are `inputs["reply_ids"]`.
    """
    encoded = encode_sides(model, inputs, micro_batch, precision)
    contexts, personas, own = (side for side, _ in encoded)
    replies, same = own, inputs["same"]
    if memory is not None:
        replies, same = memory.beside(own, inputs["reply_ids"], same)
    loss = match_sides([contexts, personas, replies], model, same, micro_batch, share)
    propagate(encoded, model, precision)
    if memory is not None:
        memory.add(own, inputs["reply_ids"])
    return loss


def encode_sides(model: Cobert, inputs: dict[str, Any], micro_batch: int | None, precision: Precision) -> list[Encoded]:
    """Context, persona and response of a batch."""
    batches = [inputs[name] for name in ("context", "persona", "response")]
    if micro_batch is not None:
        return [_encode(model, batch, micro_batch, precision) for batch in batches]
    with precision():
        sides = model.sides(batches)
    return [(Side(each.states.detach().requires_grad_(), each.mask, each.parts), each.states) for each in sides]


def match_sides(sides: list[Side], model: Cobert, same: Tensor, micro_batch: int | None, share: float) -> Tensor:
    """`share` * the loss (a scalar), whose gradients are added to those of the sides' states and of the matcher."""
    if micro_batch is None:
        loss = cross_entropy(model.score(*sides), same) * share
        loss.backward()
        return loss.detach()
    blocks = list(_blocks(sides, micro_batch))
    scores = torch.empty(same.shape, device=model.device, dtype=sides[-1].states.dtype)
    before = random_states(model.device)
    with torch.no_grad():
        for rows, columns, block in blocks:
            scores[rows, columns] = model.score(*block)
    scores.requires_grad_()
    loss = cross_entropy(scores, same) * share
    (score_gradient,) = torch.autograd.grad(loss, scores)
    # One state for all blocks: scoring alone draws, namely a cross-encoder's dropout, and both times in the same order.
    with restored(model.device, before):
        for rows, columns, block in blocks:
            torch.autograd.backward(model.score(*block), score_gradient[rows, columns])
    return loss.detach()


def propagate(encoded: list[Encoded], model: Cobert, precision: Precision) -> None:
    """Add what the states' gradients give for the encoder to its gradients."""
    kept = []  # The sides may have one graph, which can be gone through once only.
    for side, source in encoded:
        gradient = torch.zeros_like(side.states) if side.states.grad is None else side.states.grad
        if isinstance(source, Tensor):
            kept.append((source, gradient))
            continue
        for part in source:
            with restored(model.device, part.random_states), precision():
                states = model.encode(part.batch).states
            _backward([(states, gradient[part.rows, : states.shape[1]])])
    _backward(kept)


def _backward(states: list[tuple[Tensor, Tensor]]) -> None:
    """Propagate the states' gradients; states of rows without any token have none."""
    if graphs := [(each, gradient) for each, gradient in states if each.requires_grad]:
        torch.autograd.backward([each for each, _ in graphs], [gradient for _, gradient in graphs])


def _encode(model: Cobert, batch: Batch, size: int, precision: Precision) -> Encoded:
    """The states of `batch`, computed `size` rows at a time without a graph, and its micro-batches."""
    mask, parts, states = batch["attention_mask"], [], []
    for start in range(0, len(mask), size):
        rows = slice(start, start + size)
        longest = max(int(mask[rows].sum(1).max()), 1)
        cut = {name: value[rows, :longest] for name, value in batch.items()}
        part = _MicroBatch(rows, cut, random_states(model.device))
        with torch.no_grad(), precision():
            encoded = model.encode(part.batch).states
        parts.append(part)
        states.append(torch.nn.functional.pad(encoded, (0, 0, 0, mask.shape[1] - longest)))
    return Side(torch.cat(states).requires_grad_(), mask, batch["parts"]), parts


def _blocks(sides: list[Side], size: int) -> Iterator[tuple[slice, slice, tuple[Side, Side, Side]]]:
    """Squares of `size` contexts and responses of the score matrix: rows, columns, and the sides that are matched."""
    contexts, personas, responses = sides
    for top in range(0, len(contexts.mask), size):
        for left in range(0, len(responses.mask), size):
            rows, columns = slice(top, top + size), slice(left, left + size)
            yield rows, columns, (contexts[rows], personas[rows], responses[columns])
