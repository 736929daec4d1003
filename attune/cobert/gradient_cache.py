"""Training steps whose memory is bounded by the micro-batch, whatever the batch size (Gao et al. 2021, section 3)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attune.cobert.matchers import Side
from attune.cobert.model import Cobert, cross_entropy

Batch = dict[str, Tensor]
Precision = Callable[[], AbstractContextManager[Any]]
# The random states of the CPU and, where the model is on one, of the GPU.
RandomStates = tuple[Tensor, list[Tensor]]


@dataclass(frozen=True)
class _MicroBatch:
    """`rows` of a batch, cut to their longest, and the random states before their dropout was drawn.

    states: as encoded, with their graph; None where they are encoded again.
    """

    rows: slice
    batch: Batch
    random_states: RandomStates
    states: Tensor | None = None


# The micro-batches of one side of a batch, and its states as a leaf of the graph that takes a gradient.
Encoded = tuple[list[_MicroBatch], Side]


def step(
    model: Cobert, inputs: dict[str, Any], micro_batch: int | None, share: float, precision: Precision = nullcontext
) -> Tensor:
    """Add the gradients of `share` * model(**inputs)["loss"] to the model's, and return that loss (a scalar).

    First every sequence is encoded, `micro_batch` at a time, without a graph. Then scores and their gradients are
    computed in blocks of `micro_batch` contexts and responses. Last, each micro-batch is encoded again with the same
    dropout and its part of the gradient is propagated through the encoder. Only states and scores are held for the
    whole batch; without a `micro_batch` that is all in one pass. `precision` is the context in which the encoder runs,
    such as autocast.
    """
    encoded = encode_sides(model, inputs, micro_batch, precision)
    loss = match_sides([side for _, side in encoded], model, inputs["same"], micro_batch, share)
    propagate(encoded, model, precision)
    return loss


def encode_sides(model: Cobert, inputs: dict[str, Any], micro_batch: int | None, precision: Precision) -> list[Encoded]:
    """Context, persona and response of a batch."""
    return [_encode(model, inputs[name], micro_batch, precision) for name in ("context", "persona", "response")]


def match_sides(sides: list[Side], model: Cobert, same: Tensor, micro_batch: int | None, share: float) -> Tensor:
    """`share` * the loss (a scalar), whose gradients are added to those of the sides' states and of the matcher."""
    if micro_batch is None:
        loss = cross_entropy(model.score(*sides), same) * share
        loss.backward()
        return loss.detach()
    blocks = list(_blocks(sides, micro_batch))
    scores = torch.empty(same.shape, device=model.device, dtype=sides[-1].states.dtype)
    with torch.no_grad():
        for rows, columns, block in blocks:
            scores[rows, columns] = model.score(*block)
    scores.requires_grad_()
    loss = cross_entropy(scores, same) * share
    (score_gradient,) = torch.autograd.grad(loss, scores)
    for rows, columns, block in blocks:
        torch.autograd.backward(model.score(*block), score_gradient[rows, columns])
    return loss.detach()


def propagate(encoded: list[Encoded], model: Cobert, precision: Precision) -> None:
    """Add what the states' gradients give for the encoder to its gradients."""
    for micro_batches, side in encoded:
        gradient = torch.zeros_like(side.states) if side.states.grad is None else side.states.grad
        for part in micro_batches:
            states = part.states
            if states is None:
                with _restored(model.device, part.random_states), precision():
                    states = model.encode(part.batch).states
            if states.requires_grad:  # not so for rows without any token
                torch.autograd.backward(states, gradient[part.rows, : states.shape[1]])


def _encode(model: Cobert, batch: Batch, size: int | None, precision: Precision) -> Encoded:
    """The micro-batches of `batch`, and its states as a leaf of the graph that takes a gradient.

    Without a size, the batch is encoded once, as a whole, and its graph is kept.
    """
    mask, parts, states = batch["attention_mask"], [], []
    if size is None:
        with precision():
            whole = model.encode(batch).states
        part = _MicroBatch(slice(None), batch, _random_states(model.device), whole)
        return [part], Side(whole.detach().requires_grad_(), mask, batch["parts"])
    for start in range(0, len(mask), size):
        rows = slice(start, start + size)
        longest = max(int(mask[rows].sum(1).max()), 1)
        cut = {name: value[rows, :longest] for name, value in batch.items()}
        part = _MicroBatch(rows, cut, _random_states(model.device))
        with torch.no_grad(), precision():
            encoded = model.encode(part.batch).states
        parts.append(part)
        states.append(torch.nn.functional.pad(encoded, (0, 0, 0, mask.shape[1] - longest)))
    return parts, Side(torch.cat(states).requires_grad_(), mask, batch["parts"])


def _blocks(sides: list[Side], size: int) -> Iterator[tuple[slice, slice, tuple[Side, Side, Side]]]:
    """Squares of `size` contexts and responses of the score matrix: rows, columns, and the sides that are matched."""
    contexts, personas, responses = sides
    for top in range(0, len(contexts.mask), size):
        for left in range(0, len(responses.mask), size):
            rows, columns = slice(top, top + size), slice(left, left + size)
            yield rows, columns, (contexts[rows], personas[rows], responses[columns])


def _random_states(device: torch.device) -> RandomStates:
    return torch.get_rng_state(), [] if device.type == "cpu" else [torch.get_device_module(device).get_rng_state()]


def _set_random_states(device: torch.device, states: RandomStates) -> None:
    torch.set_rng_state(states[0])
    for state in states[1]:
        torch.get_device_module(device).set_rng_state(state)


@contextmanager
def _restored(device: torch.device, states: RandomStates) -> Iterator[None]:
    """Inside, random numbers are drawn from `states`; afterwards, as if none had been drawn."""
    before = _random_states(device)
    _set_random_states(device, states)
    try:
        yield
    finally:
        _set_random_states(device, before)
