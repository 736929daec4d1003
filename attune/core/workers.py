"""Whole pieces of a stage's work on several cores at once, with the same bits on any number of them.

torch's own threads share single operations, so that sums depend on how many there are (`threads` in params.yaml). Here
each piece is computed as it would be alone, and what the pieces give is added up in one order.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from attune.core.cores import workers

Part = TypeVar("Part")
Result = TypeVar("Result")

_piece = threading.local()  # of a thread of the pool: `inside`, whether it computes a piece


def spread(function: Callable[[Part], Result], parts: Iterable[Part], device: torch.device) -> Iterator[Result]:
    """function(part) for each of `parts`, in their order; on a CPU several at once, unless this is itself a piece.

    A GPU is kept busy by one thread. `function` must draw nothing from torch's generators. Of `parts` and results no
    more are held than are needed to keep all workers busy.
    """
    count = _count(device)
    if count == 1:
        yield from map(function, parts)
        return
    begun: deque[Future[Result]] = deque()
    for part in parts:
        begun.append(_begin(function, part, count))
        if len(begun) > 2 * count:  # some more than workers, since one may take longer than the next
            yield begun.popleft().result()
    yield from (each.result() for each in begun)


def spread_graphs(
    function: Callable[[int, Tensor], Tensor], parts: Sequence[Tensor], shared: Sequence[Tensor]
) -> list[Tensor]:
    """function(number, part) for each of `parts`, whose gradients, too, are computed several at once on a CPU.

    shared: all other tensors that `function` reads and that may take a gradient, such as a layer's weights. The bits
    are those that torch gives for a plain loop, which adds up the gradients of a shared tensor from the last part to
    the first. For that, `function` must use each shared tensor once; it must draw nothing from torch's generators.
    """
    count = _count(parts[0].device)
    if len(parts) == 1 or count == 1:
        return [function(*each) for each in enumerate(parts)]
    if not torch.is_grad_enabled():
        return _at_once(lambda each: function(*each), list(enumerate(parts)), count)
    return list(_Graphs.apply(function, len(parts), count, *parts, *(each for each in shared if each.requires_grad)))


class _Graphs(torch.autograd.Function):
    """Each part with a graph of its own, so that different threads can go through them."""

    @staticmethod
    def forward(
        context: Any, function: Callable[[int, Tensor], Tensor], size: int, count: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        parts, context.shared, context.count = tensors[:size], tensors[size:], count
        context.leaves = [part.detach().requires_grad_(part.requires_grad) for part in parts]
        with torch.enable_grad():
            context.outputs = _at_once(lambda each: function(*each), list(enumerate(context.leaves)), count)
        return tuple(output.detach() for output in context.outputs)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        parts = list(zip(context.outputs, context.leaves, gradients, strict=True))
        del context.outputs, context.leaves  # with their graphs, which are gone through once

        def of_part(part: tuple[Tensor, Tensor, Tensor]) -> tuple[Any, ...]:
            output, leaf, gradient = part
            own = [leaf] if leaf.requires_grad else []
            found = torch.autograd.grad(output, [*own, *context.shared], gradient)
            return tuple(found) if own else (None, *found)

        found = _at_once(of_part, parts, context.count)
        sums = list(found[-1][1:])
        for _, *more in reversed(found[:-1]):
            sums = [one + other for one, other in zip(sums, more, strict=True)]
        return None, None, None, *(own for own, *_ in found), *sums


def _count(device: torch.device) -> int:
    if device.type != "cpu" or getattr(_piece, "inside", False):
        return 1
    return workers(torch.get_num_threads())


def _at_once(function: Callable[[Part], Result], parts: Sequence[Part], count: int) -> list[Result]:
    """The results in the order of `parts`, of which the last, mostly the longest, are begun first."""
    begun = [_begin(function, part, count) for part in reversed(parts)]
    return [each.result() for each in reversed(begun)]


def _begin(function: Callable[[Part], Result], part: Part, count: int) -> Future[Result]:
    with_gradients = torch.is_grad_enabled()  # a setting of each thread

    def piece() -> Result:
        with torch.set_grad_enabled(with_gradients):
            return function(part)

    return _pool(count).submit(piece)


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "worker", lambda: setattr(_piece, "inside", True))


os.register_at_fork(after_in_child=_pool.cache_clear)  # its threads have ended there
