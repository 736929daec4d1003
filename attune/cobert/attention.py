"""The encoder's attention, also of packed sequences. On a CPU with dropout it stores the mask, not the weights."""

from collections.abc import Sequence
from itertools import groupby
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
    lengths: Sequence[int] | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Scaled dot-product attention with the interface of transformers' "sdpa".

    query, key, value: (b, heads, length, d); attention_mask: bool, True where a key may be attended to. Returns
    (b, length, heads, d), and None for the weights. With `lengths`, the one row (b = 1) holds sequences of these
    lengths one after another, each of which attends to itself alone; a mask is then not needed.

    With dropout torch has no fused kernel for CPUs and stores four (b, heads, length, length) tensors for the backward
    pass. In that case this stores only the dropout mask and recomputes the weights in the backward pass, as GPU kernels
    do (Dao et al. 2022, section 3.1). Everything else, such as a position bias or a soft cap, is left to torch.
    """
    if lengths is not None:
        parts = zip(*(_apart(side, lengths) for side in (query, key, value)), strict=True)
        outputs = [attention(module, q, k, v, None, dropout, scaling, **rest)[0].flatten(0, 1) for q, k, v in parts]
        return torch.cat(outputs)[None], None
    fused = not dropout or query.device.type != "cpu"
    known = not module.is_causal if attention_mask is None else attention_mask.dtype == torch.bool
    plain = query.shape == key.shape and known
    modified = any(rest.get(name) is not None for name in ("position_bias", "softcap"))
    if fused or not plain or modified:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    kept = torch.empty(*query.shape[:3], key.shape[2], dtype=torch.bool).bernoulli_(1 - dropout)
    output = _DroppedOutAttention.apply(query, key, value, attention_mask, kept, scale, 1 - dropout)
    return output.transpose(1, 2).contiguous(), None


def _apart(packed: Tensor, lengths: Sequence[int]) -> list[Tensor]:
    """Packed sequences (1, heads, total, d) as a (b, heads, length, d) for each run of b that are equally long."""
    shapes = [(len(list(equal)), length) for length, equal in groupby(lengths)]
    runs = packed[0].split([count * length for count, length in shapes], 1)
    return [run.unflatten(1, shape).transpose(0, 1) for run, shape in zip(runs, shapes, strict=True)]


class _DroppedOutAttention(torch.autograd.Function):
    """softmax(scale * query keyᵀ), masked by `mask` and dropped out by `kept`, times value / keep_rate."""

    @staticmethod
    def forward(
        context: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
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


def _weights(query: Tensor, key: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    logits = (query @ key.mT).mul_(scale)
    if mask is None:
        return logits.softmax(-1)
    return logits.masked_fill_(~mask, torch.finfo(logits.dtype).min).softmax(-1)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
