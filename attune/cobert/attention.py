"""The encoder's attention. On a CPU with dropout it stores only the dropout mask, not the attention weights."""

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
    """Scaled dot-product attention with the interface of transformers' "sdpa".

    query, key, value: (b, heads, length, d); attention_mask: bool, True where a key may be attended to. Returns
    (b, length, heads, d), and None for the weights.

    With dropout torch has no fused kernel for CPUs and stores four (b, heads, length, length) tensors for the backward
    pass. In that case this stores only the dropout mask and recomputes the weights in the backward pass, as GPU kernels
    do (Dao et al. 2022, section 3.1). Everything else, such as a position bias or a soft cap, is left to torch.
    """
    fused = not dropout or query.device.type != "cpu"
    same_lengths = query.shape == key.shape and attention_mask is not None and attention_mask.dtype == torch.bool
    modified = any(rest.get(name) is not None for name in ("position_bias", "softcap"))
    if fused or not same_lengths or modified:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    kept = torch.empty(*query.shape[:3], key.shape[2], dtype=torch.bool).bernoulli_(1 - dropout)
    output = _DroppedOutAttention.apply(query, key, value, attention_mask, kept, scale, 1 - dropout)
    return output.transpose(1, 2).contiguous(), None


class _DroppedOutAttention(torch.autograd.Function):
    """softmax(scale * query keyᵀ), masked by `mask` and dropped out by `kept`, times value / keep_rate."""

    @staticmethod
    def forward(
        context: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor,
        kept: Tensor,
        scale: float,
        keep_rate: float,
    ) -> Tensor:
        context.save_for_backward(query, key, value, mask, kept)
        context.scale, context.keep_rate = scale, keep_rate
        return (_weights(query, key, mask, scale).mul_(kept) @ value).div_(keep_rate)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, mask, kept = context.saved_tensors
        weights, gradient = _weights(query, key, mask, context.scale), gradients[0] / context.keep_rate
        value_gradient = (weights * kept).mT @ gradient
        weight_gradient = (gradient @ value.mT).mul_(kept).mul_(weights)
        logit_gradient = weight_gradient.sub_(weights * weight_gradient.sum(-1, keepdim=True)).mul_(context.scale)
        return logit_gradient @ key, logit_gradient.mT @ query, value_gradient, None, None, None, None


def _weights(query: Tensor, key: Tensor, mask: Tensor, scale: float) -> Tensor:
    logits = (query @ key.mT).mul_(scale)
    return logits.masked_fill_(~mask, torch.finfo(logits.dtype).min).softmax(-1)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
