"""The co-attention scores of CoBERT as pure tensor functions (arXiv 2004.12316, section 4)."""

import torch
from torch import Tensor

# Rows of x that are matched together: few, so that they share little padding.
ROWS = 4


def match_rows(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor) -> Tensor:
    """As `match`, a few rows of like length at a time, each without the padding that only longer rows need."""
    lengths = x_mask.sum(1)
    order = lengths.argsort(stable=True)
    parts = []
    for rows in order.split(ROWS):
        longest = max(int(lengths[rows].max()), 1)
        parts.append(match(x[rows, :longest], x_mask[rows, :longest], y, y_mask))
    return torch.cat(parts)[order.argsort()]


def match(x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor) -> Tensor:
    """Score every x against every y by two hops of attention.

    With A = X Yᵀ (unscaled), R its softmax over Y's positions and Q its softmax over X's, transposed:
    hop 1 is ⟨max R Y, max Q X⟩ (maxima over positions), hop 2 is ⟨mean(R) Q X, mean(Q) R Y⟩ (means over rows).
    Maxima and means run over real positions only, so padding changes nothing (in the original it does).

    x: (b, m, d), x_mask: (b, m) bool, y: (c, n, d), y_mask: (c, n) bool. Returns (b, c); a pair with a side that has
    no real position scores 0.
    """
    affinity = torch.einsum("bmd,cnd->bcmn", x, y)
    lowest = torch.finfo(affinity.dtype).min
    rows, columns = x_mask[:, None, :, None], y_mask[None, :, None, :]
    over_y = affinity.masked_fill(~columns, lowest).softmax(-1)
    over_x = affinity.masked_fill(~rows, lowest).softmax(-2)

    x_first = torch.einsum("bcmn,cnd->bcmd", over_y, y).masked_fill(~rows, lowest).max(2).values
    y_first = torch.einsum("bcmn,bmd->bcnd", over_x, x).masked_fill(~columns.mT, lowest).max(2).values

    over_y_mean = (over_y * rows).sum(2) / x_mask.sum(1).clamp(min=1)[:, None, None]
    over_x_mean = (over_x * columns).sum(3) / y_mask.sum(1).clamp(min=1)[None, :, None]
    x_second = torch.einsum("bcm,bmd->bcd", torch.einsum("bcn,bcmn->bcm", over_y_mean, over_x), x)
    y_second = torch.einsum("bcn,cnd->bcd", torch.einsum("bcm,bcmn->bcn", over_x_mean, over_y), y)

    scores = (x_first * y_first).sum(-1) + (x_second * y_second).sum(-1)
    real = x_mask.any(1)[:, None] & y_mask.any(1)[None, :]
    return torch.where(real, scores, 0.0)
