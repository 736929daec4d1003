"""The co-attention scores of CoBERT as pure tensor functions (Zhong et al., arXiv 2004.12316, section 4)."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

# Rows of x and of y that are matched in one block: few, so that a block has little padding and stays in the cache, if
# there is one; a GPU prefers few large operations.
BLOCK_ROWS, BLOCK_ROWS_ON_GPU, BLOCK_COLUMNS = 1, 16, 32


def match_blocks(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor, scale: float = 1.0) -> Tensor:
    """The scores of `match`, computed in blocks of similarly long rows, each cut to its longest row."""
    row_groups = list(_by_length(x_mask, BLOCK_ROWS if x.device.type == "cpu" else BLOCK_ROWS_ON_GPU))
    column_groups = [
        (columns, y[columns, :longest], y_mask[columns, :longest])
        for columns, longest in _by_length(y_mask, BLOCK_COLUMNS)
    ]
    scores = torch.cat(
        [
            torch.cat(
                [
                    match(x[rows, :longest], x_mask[rows, :longest], states, mask, scale)
                    for _, states, mask in column_groups
                ],
                1,
            )
            for rows, longest in row_groups
        ]
    )
    x_order = torch.cat([rows for rows, _ in row_groups])
    y_order = torch.cat([columns for columns, *_ in column_groups])
    return scores[x_order.argsort()][:, y_order.argsort()]


def _by_length(mask: Tensor, size: int) -> Iterator[tuple[Tensor, int]]:
    """Groups of at most `size` row indices, shortest rows first, with the length of the longest row (at least 1)."""
    lengths = mask.sum(1)
    for rows in lengths.argsort(stable=True).split(size):
        yield rows, max(int(lengths[rows].max()), 1)


def match(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor, scale: float = 1.0) -> Tensor:
    """Score every x against every y by two hops of attention.

    With A = `scale` X Yᵀ (scale 1 in the paper), R its softmax over Y's positions and Q its softmax over X's,
    transposed: hop 1 is ⟨max R Y, max Q X⟩ (maxima over positions), hop 2 is ⟨mean(R) Q X, mean(Q) R Y⟩ (means over
    rows). Maxima and means run over real positions only, so padding does not change a score (in the original it does).

    x: (b, m, d), x_mask: (b, m) bool, y: (c, n, d), y_mask: (c, n) bool. Returns (b, c); a pair with a side without
    real positions scores 0.
    """
    (b, m, d), (c, n, _) = x.shape, y.shape
    rows, columns = x_mask[:, :, None, None], y_mask[None, None]
    affinity = ((x * scale).reshape(b * m, d) @ y.reshape(c * n, d).T).view(b, m, c, n)
    over_y = _masked(affinity, columns).softmax(3)
    over_x = _masked(affinity, rows).softmax(1)

    x_first = _MaxOfProducts.apply(over_y.view(b * m, c, n).transpose(0, 1), y, x_mask[None]).transpose(0, 1)
    y_first = _MaxOfProducts.apply(over_x.view(b, m, c * n).mT, x, y_mask[None])

    over_y_mean = (over_y if _all(rows) else over_y * rows).sum(1) / x_mask.sum(1).clamp(min=1)[:, None, None]
    over_x_mean = (over_x if _all(columns) else over_x * columns).sum(3) / y_mask.sum(1).clamp(min=1)
    x_second = torch.bmm((over_x * over_y_mean[:, None]).sum(3).mT, x)
    y_second = torch.bmm((over_y * over_x_mean[..., None]).sum(1).transpose(0, 1), y).transpose(0, 1)

    scores = (x_first * y_first).sum(-1) + (x_second * y_second).sum(-1)
    real = x_mask.any(1)[:, None] & y_mask.any(1)[None, :]
    return torch.where(real, scores, 0.0)


class _MaxOfProducts(torch.autograd.Function):
    """Maxima over real positions of weights @ values; the products are recomputed in the backward pass.

    weights: (k, g * r, l), values: (k, l, d), real: (1, g, r) bool. Returns (k, g, d), the maxima over r. Positions
    that tie for a maximum share its gradient equally.
    """

    @staticmethod
    def forward(context: Any, weights: Tensor, values: Tensor, real: Tensor) -> Tensor:
        maxima = _products(weights, values, real).amax(2)
        context.save_for_backward(weights, values, real, maxima)
        return maxima

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, values, real, maxima = context.saved_tensors
        # In place, for allocating new memory of this size costs more than the arithmetic.
        chosen = _products(weights, values, real)
        torch.eq(chosen, maxima.unsqueeze(2), out=chosen)
        shares = gradients[0].unsqueeze(2) / chosen.sum(2, keepdim=True)
        product_gradient = chosen.mul_(shares).flatten(1, 2)
        return torch.bmm(product_gradient, values.mT), torch.bmm(weights.mT, product_gradient), None


def _products(weights: Tensor, values: Tensor, real: Tensor) -> Tensor:
    """(k, g, r, d) of weights @ values, the dtype's lowest number at positions that are not real."""
    products = torch.bmm(weights, values).unflatten(1, real.shape[1:])
    if _all(real):
        return products
    return products.masked_fill_(~real[..., None], torch.finfo(products.dtype).min)


def _masked(values: Tensor, real: Tensor) -> Tensor:
    return values if _all(real) else values.masked_fill(~real, torch.finfo(values.dtype).min)


def _all(real: Tensor) -> bool:
    """Whether there is no padding to mask, which on a CPU takes as long as the products.

    False on a GPU, where asking for the answer would stall the queue.
    """
    return real.device.type == "cpu" and bool(real.all())
