"""The shared encoder: any that AutoModel loads, its lower layers frozen and computed once where that is possible."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig

from attune.cobert.attention import NAME
from attune.core.errors import AttuneError

# Built as BERT is: layers that take states and a mask, on nothing but embeddings.
_BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert")


def load_encoder(folder: Path) -> Any:
    """The encoder of a model folder, in float32, without a pooler (CoBERT uses the last hidden states)."""
    try:
        config = AutoConfig.from_pretrained(folder)
        return AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, **_no_pooler(config))
    except (OSError, ValueError) as error:
        raise AttuneError(f"{folder} holds no encoder that can be loaded from safetensors: {error}") from None


def new_encoder(config: PreTrainedConfig) -> Any:
    encoder = AutoModel.from_config(config, **_no_pooler(config))
    if encoder.config._attn_implementation == "sdpa":
        encoder.set_attn_implementation(NAME)
    return encoder


def _no_pooler(config: PreTrainedConfig) -> dict[str, Any]:
    return {"add_pooling_layer": False} if config.model_type in _BERT_LIKE else {}


def frozen_layers(encoder: Any, asked: int) -> int:
    """How many layers `asked` can freeze: the highest is left to train."""
    return min(asked, len(layers(encoder)) - 1) if asked else 0


def layers(encoder: Any) -> nn.ModuleList:
    """The encoder's blocks, lowest first."""
    for path in ("encoder.layer", "h", "layers", "transformer.layer"):
        found: Any = encoder
        for name in path.split("."):
            found = getattr(found, name, None)
        if isinstance(found, nn.ModuleList):
            return found
    raise AttuneError(f"{type(encoder).__name__} has no layers that can be frozen; set frozen_layers: 0")


def caches_lower_layers(encoder: Any) -> bool:
    """Whether the output of the lower layers can be put back in: so for encoders built as BERT is."""
    return encoder.config.model_type in _BERT_LIKE


def freeze(encoder: Any, count: int) -> None:
    """Keep the embeddings and the lowest `count` layers as they are; 0 freezes nothing, the highest always learns."""
    if count == 0:
        return
    for module in encoder.modules():
        if isinstance(module, nn.Embedding):
            module.requires_grad_(False)
    for name in ("embeddings", "embeddings_project"):
        if hasattr(encoder, name):
            getattr(encoder, name).requires_grad_(False)
    for block in layers(encoder)[:count]:
        block.requires_grad_(False)


def run_encoder(encoder: Any, batch: dict[str, Tensor], frozen: int) -> Tensor:
    """Last hidden states (b, length, d).

    `batch` has input_ids, token_type_ids and attention_mask, or instead of ids the `states` (b, length, d) that
    `lower_states` gave for the lowest `frozen` layers.
    """
    if "states" in batch:
        return _upper(encoder, batch["states"], batch["attention_mask"], frozen)
    return encoder(**_accepted(encoder, batch)).last_hidden_state


@torch.no_grad()
def lower_states(encoder: Any, batch: dict[str, Tensor], frozen: int) -> Tensor:
    """What the embeddings and the lowest `frozen` layers make of `batch`: (b, length, d). Expects eval mode."""
    arguments = _accepted(encoder, batch)
    mask = arguments.pop("attention_mask")
    states = encoder.embeddings(**arguments)
    attention = _attention_mask(encoder, states, mask)
    for layer in layers(encoder)[:frozen]:
        states = layer(states, attention)
    return states


def _upper(encoder: Any, states: Tensor, mask: Tensor, frozen: int) -> Tensor:
    attention = _attention_mask(encoder, states, mask)
    for layer in layers(encoder)[frozen:]:
        states = layer(states, attention)
    return states


def _attention_mask(encoder: Any, states: Tensor, mask: Tensor) -> Tensor:
    from transformers.masking_utils import create_bidirectional_mask

    return create_bidirectional_mask(config=encoder.config, inputs_embeds=states, attention_mask=mask)


def _accepted(encoder: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the encoder takes: no token types where it knows none, or only type 0 (RoBERTa)."""
    names = ["input_ids", "attention_mask"]
    if getattr(encoder.config, "type_vocab_size", 0) >= 2:
        names.append("token_type_ids")
    return {name: batch[name] for name in names}
