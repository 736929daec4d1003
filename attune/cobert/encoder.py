"""The shared encoder: any that AutoModel loads, optionally with frozen lower layers whose output can be cached."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig
from transformers.utils import logging

from attune.cobert.attention import NAME
from attune.core.errors import AttuneError, one_line
from attune.core.memory import not_loaded
from attune.core.model_code import refuse_code
from attune.core.workers import spread_graphs

# Families with BERT's structure: embeddings, then layers that take states and a mask.
_BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert")
# The tokens of a trial and of the padding after them, and by what share of its norm padding may change a token's state:
# rounding changes it by about 1e-7, reading the padding by far more (a random ConvBERT by .003, a YOSO by .02).
_TEXT, _PADDING, _TOLERANCE = 8, 4, 1e-4


def load_encoder(folder: Path) -> Any:
    """The encoder in `folder`, in float32, without a pooler (CoBERT uses the last hidden states).

    Raises
    ------
    AttuneError
        if the folder is missing or holds no encoder of a known family with safetensors weights, or one that reads
        padding as text or cannot encode a short text, or that does not fit into memory.
    """
    if not folder.is_dir():  # transformers would look for a model of that name on the hub
        raise AttuneError(f"the encoder's folder {folder} is missing; `dvc repro base_encoders` writes the pipeline's")
    refuse_code(folder)
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # an encoder without its pooler is what is wanted, and not worth a table of warnings
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        options = {"dtype": torch.float32, "use_safetensors": True, "output_loading_info": True} | _no_pooler(config)
        encoder, info = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # what a wrong setting becomes depends on where it is read
        raise not_loaded(folder, error, "holds no encoder that can be loaded from safetensors") from None
    finally:
        logging.set_verbosity(verbosity)
    if missing := sorted(name for name in info["missing_keys"] if "pooler" not in name):
        raise AttuneError(f"{folder}: its weights are not of a {config.model_type}: {missing[0]} is missing")
    _check_padding(encoder, folder)
    return encoder


def _check_padding(encoder: Any, folder: Path) -> None:
    """Raise an AttuneError if padding changes the states of a text; that a family takes a mask does not say so."""
    family = encoder.config.model_type
    try:
        ignored = _ignores_padding(encoder)
    except Exception as error:  # what a family cannot do becomes whatever it stumbles over
        raise AttuneError(
            f"{folder}: a {family} cannot encode {_TEXT} tokens and {_PADDING} of padding ({one_line(error)}); name "
            "another encoder, such as BERT or RoBERTa"
        ) from None
    if not ignored:
        raise AttuneError(
            f"{folder}: a {family} reads padding as text, so that scores would depend on the padding in a batch; name "
            "an encoder whose attention_mask hides it, such as BERT or RoBERTa"
        )


@torch.no_grad()
def _ignores_padding(encoder: Any) -> bool:
    """Whether the states of a text are the same beside padding, but for rounding."""
    ids = torch.arange(1, _TEXT + 1)[None]
    mask = torch.ones_like(ids, dtype=torch.bool)
    text = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": mask}
    padded = {name: torch.nn.functional.pad(value, (0, _PADDING)) for name, value in text.items()}
    with torch.random.fork_rng(devices=[]):  # Reformer draws its hashes
        alone, beside = (run_encoder(encoder, batch, 0)[:, :_TEXT] for batch in (text, padded))
    return not ((beside - alone).norm(dim=-1) > _TOLERANCE * alone.norm(dim=-1)).any()


def new_encoder(config: PreTrainedConfig) -> Any:
    """An encoder with random weights; attune.cobert.attention takes the place of transformers' "sdpa"."""
    encoder = AutoModel.from_config(config, trust_remote_code=False, **_no_pooler(config))
    if encoder.config._attn_implementation == "sdpa":
        encoder.set_attn_implementation(NAME)
    return encoder


def _no_pooler(config: PreTrainedConfig) -> dict[str, Any]:
    return {"add_pooling_layer": False} if config.model_type in _BERT_LIKE else {}


def frozen_layers(encoder: Any, requested: int) -> int:
    """How many of the `requested` layers are frozen: at most all but the highest, which always trains."""
    return min(requested, len(layers(encoder)) - 1) if requested else 0


def layers(encoder: Any) -> nn.ModuleList:
    """The encoder's transformer layers, lowest first.

    Raises
    ------
    AttuneError
        for a family that keeps them under an unknown name.
    """
    for path in ("encoder.layer", "h", "layers", "transformer.layer"):
        module: Any = encoder
        for name in path.split("."):
            module = getattr(module, name, None)
        if isinstance(module, nn.ModuleList):
            return module
    raise AttuneError(f"{type(encoder).__name__} has no known list of layers to freeze; set frozen_layers: 0")


def caches_lower_layers(encoder: Any) -> bool:
    """Whether the upper layers can start from the cached output of the lower ones: with BERT's structure only."""
    return encoder.config.model_type in _BERT_LIKE


def freeze(encoder: Any, count: int) -> None:
    """Freeze the embeddings and the lowest `count` layers; 0 freezes nothing, not even the embeddings."""
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
    """The last hidden states (b, length, d).

    batch: attention_mask (b, length) with input_ids and token_type_ids (b, length), or with `states` (b, length, d):
    the output of the lowest `frozen` layers as `lower_states` returns it.
    """
    if "states" in batch:
        return _upper(encoder, batch["states"], batch["attention_mask"], frozen)
    arguments = _accepted(encoder, batch)
    arguments["attention_mask"] = arguments["attention_mask"].long()  # XLNet computes with it
    return encoder(**arguments).last_hidden_state


def packs(encoder: Any) -> bool:
    """Whether `run_packed` takes this encoder: on CPUs, for a GPU prefers few large operations."""
    known = encoder.config.model_type in _BERT_LIKE and encoder.config._attn_implementation == NAME
    return known and encoder.device.type == "cpu"


def run_packed(encoder: Any, batch: dict[str, Tensor], lengths: Sequence[int], frozen: int, size: int) -> Tensor:
    """The last hidden states (total, d) of sequences of these `lengths`, without padding, one after another.

    batch: input_ids and token_type_ids (total,), or `states` (total, d) as in `run_encoder`. The layers take at most
    `size` tokens at a time, or one sequence. The embeddings take all at once, since the gradient of each call is as
    large as the vocabulary.
    """
    skipped = frozen if "states" in batch else 0
    states = batch["states"] if "states" in batch else _packed_embeddings(encoder, batch, lengths)
    groups, upper = list(_groups(lengths, size)), layers(encoder)[skipped:]

    def run(number: int, part: Tensor) -> Tensor:
        part = part[None]
        for layer in upper:
            part = layer(part, None, lengths=groups[number])
        return part[0]

    parts = states.split([sum(group) for group in groups])
    if _drops_out(upper):  # in one order, so that the draws are the same each time
        return torch.cat([run(*each) for each in enumerate(parts)])
    return torch.cat(spread_graphs(run, parts, list(upper.parameters())))


def _drops_out(part: nn.Module) -> bool:
    return any(isinstance(each, nn.Dropout) and each.training and each.p > 0 for each in part.modules())


def _packed_embeddings(encoder: Any, batch: dict[str, Tensor], lengths: Sequence[int]) -> Tensor:
    positions = torch.cat([torch.arange(length) for length in lengths])
    if encoder.config.model_type != "bert":
        positions += encoder.embeddings.padding_idx + 1  # RoBERTa and its kin begin there
    arguments = {"input_ids": batch["input_ids"][None], "position_ids": positions[None]}
    if encoder.config.type_vocab_size >= 2:
        arguments["token_type_ids"] = batch["token_type_ids"][None]
    return encoder.embeddings(**arguments)[0]


def _groups(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Neighbours of at most `size` tokens together, or one that is longer."""
    group: list[int] = []
    for length in lengths:
        if group and sum(group) + length > size:
            yield group
            group = []
        group.append(length)
    yield group


@torch.no_grad()
def lower_states(encoder: Any, batch: dict[str, Tensor], frozen: int) -> Tensor:
    """The output (b, length, d) of the embeddings and the lowest `frozen` layers. The encoder must be in eval mode."""
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
    """The encoder's arguments: without token types where the family has none, or only type 0 (RoBERTa)."""
    names = ["input_ids", "attention_mask"]
    if getattr(encoder.config, "type_vocab_size", 0) >= 2:
        names.append("token_type_ids")
    return {name: batch[name] for name in names}
