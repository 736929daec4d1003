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
    """`rows` of a batch, cut to their longest, and the random states before their dropout was drawn."""

    rows: slice
    batch: Batch
    random_states: RandomStates


def step(
    model: Cobert, inputs: dict[str, Any], micro_batch: int, share: float, precision: Precision = nullcontext
) -> Tensor:
    """Add the gradients of `share` * model(**inputs)["loss"] to the model's, and return that loss (a scalar).

    First every sequence is encoded, `micro_batch` at a time, without a graph. Then scores and their gradients are
    computed in blocks of `micro_batch` contexts and responses. Last, each micro-batch is encoded again with the same
    dropout and its part of the gradient is propagated through the encoder. Only states and scores are held for the
    whole batch. `precision` is the context in which the encoder runs, such as autocast.
    """
    sides, micro_batches = {}, {}
    for name in ("context", "persona", "response"):
        micro_batches[name], sides[name] = _encode(model, inputs[name], micro_batch, precision)
    blocks = list(_blocks(sides, micro_batch))
    scores = torch.empty(inputs["same"].shape, device=model.device, dtype=sides["response"].states.dtype)
    with torch.no_grad():
        for rows, columns, block in blocks:
            scores[rows, columns] = model.score(*block)
    scores.requires_grad_()
    loss = cross_entropy(scores, inputs["same"]) * share
    (score_gradient,) = torch.autograd.grad(loss, scores)
    for rows, columns, block in blocks:
        torch.autograd.backward(model.score(*block), score_gradient[rows, columns])
    for name, side in sides.items():
        gradient = torch.zeros_like(side.states) if side.states.grad is None else side.states.grad
        for part in micro_batches[name]:
            with _restored(model.device, part.random_states), precision():
                states = model.encode(part.batch).states
            if states.requires_grad:  # not so for rows without any token
                torch.autograd.backward(states, gradient[part.rows, : states.shape[1]])
    return loss.detach()


def _encode(model: Cobert, batch: Batch, size: int, precision: Precision) -> tuple[list[_MicroBatch], Side]:
    """The micro-batches of `batch`, and its states as a leaf of the graph that takes a gradient."""
    mask, parts, states = batch["attention_mask"], [], []
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


def _blocks(sides: dict[str, Side], size: int) -> Iterator[tuple[slice, slice, tuple[Side, Side, Side]]]:
    """Squares of `size` contexts and responses of the score matrix: rows, columns, and the sides that are matched."""
    contexts, personas, responses = sides["context"], sides["persona"], sides["response"]
    for top in range(0, len(contexts.mask), size):
        for left in range(0, len(responses.mask), size):
            rows, columns = slice(top, top + size), slice(left, left + size)
            yield rows, columns, (contexts[rows], personas[rows], responses[columns])


def _random_states(device: torch.device) -> RandomStates:
    return torch.get_rng_state(), [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []


@contextmanager
def _restored(device: torch.device, states: RandomStates) -> Iterator[None]:
    """Inside, random numbers are drawn from `states`; afterwards, as if none had been drawn."""
    with torch.random.fork_rng([device] if states[1] else []):
        torch.set_rng_state(states[0])
        for state in states[1]:
            torch.cuda.set_rng_state(state, device)
        yield
