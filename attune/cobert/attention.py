"""The encoder's attention; with dropout a CPU keeps what fell out of it for the way back, and no weights."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "attune_sdpa"


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """As transformers' "sdpa". query, key, value: (b, heads, length, width of a head); gives (b, length, heads, width).

    With dropout torch has no fused attention for a CPU, and holds four (b, heads, length, length) tensors for the way
    back. Where that would happen the weights are made again instead, as GPUs do (Dao et al. 2022, section 3.1).
    Whatever is more than a mask is left to torch.
    """
    fused = not dropout or query.device.type != "cpu"
    alike = query.shape == key.shape and attention_mask is not None and attention_mask.dtype == torch.bool
    more = any(rest.get(name) is not None for name in ("position_bias", "softcap"))
    if fused or not alike or more:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    kept = torch.empty(*query.shape[:3], key.shape[2], dtype=torch.bool).bernoulli_(1 - dropout)
    found = _Dropped.apply(query, key, value, attention_mask, kept, scale, 1 - dropout)
    return found.transpose(1, 2).contiguous(), None


class _Dropped(torch.autograd.Function):
    """The softmax of scale * query keyᵀ where `mask`, without what is not `kept`, times value / share."""

    @staticmethod
    def forward(
        context: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, kept: Tensor, scale: float, share: float
    ) -> Tensor:
        context.save_for_backward(query, key, value, mask, kept)
        context.scale, context.share = scale, share
        return (_weights(query, key, mask, scale).mul_(kept) @ value).div_(share)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, mask, kept = context.saved_tensors
        weights, gradient = _weights(query, key, mask, context.scale), gradients[0] / context.share
        of_value = (weights * kept).mT @ gradient
        of_weights = (gradient @ value.mT).mul_(kept).mul_(weights)
        of_products = of_weights.sub_(weights * of_weights.sum(-1, keepdim=True)).mul_(context.scale)
        return of_products @ key, of_products.mT @ query, of_value, None, None, None, None


def _weights(query: Tensor, key: Tensor, mask: Tensor, scale: float) -> Tensor:
    products = (query @ key.mT).mul_(scale)
    return products.masked_fill_(~mask, torch.finfo(products.dtype).min).softmax(-1)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
