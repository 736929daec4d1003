"""Training steps whose memory is bounded by a micro-batch, whatever the batch (Gao et al. 2021, gradient caching)."""

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


@dataclass(frozen=True)
class _Part:
    """Rows of one input, without the padding that only other rows need, and the draws that its dropout began with."""

    rows: slice
    batch: Batch
    draws: tuple[Tensor, list[Tensor]]


def step(
    model: Cobert, inputs: dict[str, Any], micro_batch: int, share: float, precision: Precision = nullcontext
) -> Tensor:
    """Add to every gradient what `model(**inputs)["loss"] * share` has there; returns the loss times `share`.

    Sequences are encoded `micro_batch` at a time without a graph; scores and their gradient are computed in blocks of
    `micro_batch` contexts and replies; then each micro-batch is encoded again, with the same dropout, and takes its
    part of the gradient back. Only states and scores are held for the whole batch. `precision`: what the encoder runs
    in, such as autocast.
    """
    sides, parts = {}, {}
    for name in ("context", "persona", "response"):
        parts[name], sides[name] = _encode(model, inputs[name], micro_batch, precision)
    blocks = list(_blocks(sides, micro_batch))
    scores = torch.empty(inputs["same"].shape, device=model.device, dtype=sides["response"].states.dtype)
    with torch.no_grad():
        for rows, columns, block in blocks:
            scores[rows, columns] = model.score(*block)
    scores.requires_grad_()
    loss = cross_entropy(scores, inputs["same"]) * share
    (wanted,) = torch.autograd.grad(loss, scores)
    for rows, columns, block in blocks:
        torch.autograd.backward(model.score(*block), wanted[rows, columns])
    for name, side in sides.items():
        gradient = torch.zeros_like(side.states) if side.states.grad is None else side.states.grad
        for part in parts[name]:
            with _again(model.device, part.draws), precision():
                states = model.encode(part.batch).states
            if states.requires_grad:  # rows of no tokens at all have nothing to learn
                torch.autograd.backward(states, gradient[part.rows, : states.shape[1]])
    return loss.detach()


def _encode(model: Cobert, batch: Batch, micro_batch: int, precision: Precision) -> tuple[list[_Part], Side]:
    """The micro-batches of `batch`, and its states as a leaf that takes a gradient."""
    mask, parts, found = batch["attention_mask"], [], []
    for start in range(0, len(mask), micro_batch):
        rows = slice(start, start + micro_batch)
        longest = max(int(mask[rows].sum(1).max()), 1)
        part = _Part(rows, {name: value[rows, :longest] for name, value in batch.items()}, _draws(model.device))
        with torch.no_grad(), precision():
            states = model.encode(part.batch).states
        parts.append(part)
        found.append(torch.nn.functional.pad(states, (0, 0, 0, mask.shape[1] - longest)))
    return parts, Side(torch.cat(found).requires_grad_(), mask, batch["parts"])


def _blocks(sides: dict[str, Side], size: int) -> Iterator[tuple[slice, slice, tuple[Side, Side, Side]]]:
    """The score table in squares of `size` contexts and replies: where each lies, and what is matched there."""
    contexts, personas, responses = sides["context"], sides["persona"], sides["response"]
    for top in range(0, len(contexts.mask), size):
        for left in range(0, len(responses.mask), size):
            rows, columns = slice(top, top + size), slice(left, left + size)
            yield rows, columns, (contexts[rows], personas[rows], responses[columns])


def _draws(device: torch.device) -> tuple[Tensor, list[Tensor]]:
    return torch.get_rng_state(), [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []


@contextmanager
def _again(device: torch.device, draws: tuple[Tensor, list[Tensor]]) -> Iterator[None]:
    """Draw what was drawn after `draws`, then go on as if nothing had been."""
    with torch.random.fork_rng([device] if draws[1] else []):
        torch.set_rng_state(draws[0])
        for state in draws[1]:
            torch.cuda.set_rng_state(state, device)
        yield
