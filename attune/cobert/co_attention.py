"""The co-attention scores of CoBERT as pure tensor functions (arXiv 2004.12316, section 4)."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

# Rows of x and of y that are matched together: few, so that they share little padding and stay in the cache.
ROWS, COLUMNS = 4, 32


def match_blocks(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor, scale: float = 1.0) -> Tensor:
    """As `match`, rows of like length at a time, each without the padding that only longer rows need."""
    above = list(_alike(x_mask, ROWS))
    beside = [
        (columns, y[columns, :longest], y_mask[columns, :longest]) for columns, longest in _alike(y_mask, COLUMNS)
    ]
    scores = torch.cat(
        [
            torch.cat(
                [match(x[rows, :longest], x_mask[rows, :longest], part, mask, scale) for _, part, mask in beside], 1
            )
            for rows, longest in above
        ]
    )
    order_x, order_y = torch.cat([rows for rows, _ in above]), torch.cat([columns for columns, *_ in beside])
    return scores[order_x.argsort()][:, order_y.argsort()]


def _alike(mask: Tensor, size: int) -> Iterator[tuple[Tensor, int]]:
    """Places of at most `size` rows of like length, and the longest of them."""
    lengths = mask.sum(1)
    for rows in lengths.argsort(stable=True).split(size):
        yield rows, max(int(lengths[rows].max()), 1)


def match(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor, scale: float = 1.0) -> Tensor:
    """Score every x against every y by two hops of attention.

    With A = `scale` X Yᵀ (1 in the paper), R its softmax over Y's positions and Q its softmax over X's, transposed:
    hop 1 is ⟨max R Y, max Q X⟩ (maxima over positions), hop 2 is ⟨mean(R) Q X, mean(Q) R Y⟩ (means over rows).
    Maxima and means run over real positions only, so padding changes nothing (in the original it does).

    x: (b, m, d), x_mask: (b, m) bool, y: (c, n, d), y_mask: (c, n) bool. Returns (b, c); a pair with a side that has
    no real position scores 0.
    """
    (b, m, d), (c, n, _) = x.shape, y.shape
    rows, columns = x_mask[:, :, None, None], y_mask[None, None]
    affinity = (x.reshape(b * m, d) @ (y * scale).reshape(c * n, d).T).view(b, m, c, n)
    lowest = torch.finfo(affinity.dtype).min
    over_y = affinity.masked_fill(~columns, lowest).softmax(3)
    over_x = affinity.masked_fill(~rows, lowest).softmax(1)

    x_first = _Best.apply(over_y.view(b * m, c, n).transpose(0, 1), y, x_mask[None]).transpose(0, 1)
    y_first = _Best.apply(over_x.view(b, m, c * n).mT, x, y_mask[None])

    over_y_mean = (over_y * rows).sum(1) / x_mask.sum(1).clamp(min=1)[:, None, None]
    over_x_mean = (over_x * columns).sum(3) / y_mask.sum(1).clamp(min=1)
    x_second = torch.bmm((over_x * over_y_mean[:, None]).sum(3).mT, x)
    y_second = torch.bmm((over_y * over_x_mean[..., None]).sum(1).transpose(0, 1), y).transpose(0, 1)

    scores = (x_first * y_first).sum(-1) + (x_second * y_second).sum(-1)
    real = x_mask.any(1)[:, None] & y_mask.any(1)[None, :]
    return torch.where(real, scores, 0.0)


class _Best(torch.autograd.Function):
    """The maxima over real positions of products, which are made again for the way back and not kept for it.

    weights: (k, g * r, l), values: (k, l, d), real: (1, g, r) bool. Returns (k, g, d), the maxima over r of
    weights @ values; the gradient of a maximum is shared by all places that reach it.
    """

    @staticmethod
    def forward(context: Any, weights: Tensor, values: Tensor, real: Tensor) -> Tensor:
        best = _products(weights, values, real).amax(2)
        context.save_for_backward(weights, values, real, best)
        return best

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, values, real, best = context.saved_tensors
        # In place, for new memory of this size costs more than the arithmetic.
        chosen = _products(weights, values, real)
        torch.eq(chosen, best.unsqueeze(2), out=chosen)
        shares = gradients[0].unsqueeze(2) / chosen.sum(2, keepdim=True)
        spread = chosen.mul_(shares).flatten(1, 2)
        return torch.bmm(spread, values.mT), torch.bmm(weights.mT, spread), None


def _products(weights: Tensor, values: Tensor, real: Tensor) -> Tensor:
    """(k, g, r, d), the lowest number where a position is not real."""
    found = torch.bmm(weights, values).unflatten(1, real.shape[1:])
    # On a CPU a pass over all of it takes as long as the products; a GPU would have to be waited for.
    if real.device.type == "cpu" and real.all():
        return found
    return found.masked_fill_(~real[..., None], torch.finfo(found.dtype).min)
