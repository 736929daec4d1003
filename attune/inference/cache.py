"""The keys and values of what a model has read and written, in memory that is reserved once."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, LinearAttentionCacheLayerMixin

from attune.core.batching import by_length
from attune.generators.batches import tokens_at_once


class _ReservedLayer(DynamicLayer):
    """As DynamicLayer, which copies everything for each new token; this one writes into memory for `length` tokens."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.memory: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.memory = [self._reserve(each) for each in (key_states, value_states)]
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        for memory, states in zip(self.memory, (key_states, value_states), strict=True):
            memory[:, :, start:end] = states
        self.keys, self.values = (memory[:, :, :end] for memory in self.memory)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Only keep the rows `indices`."""
        kept = [self.keys[indices], self.values[indices]]
        self.memory = [self._reserve(each) for each in kept]
        for memory, states in zip(self.memory, kept, strict=True):
            memory[:, :, : states.shape[-2]] = states
        self.keys, self.values = (memory[:, :, : kept[0].shape[-2]] for memory in self.memory)

    def put(self, rows: Sequence[int], count: int, width: int, states: Sequence[torch.Tensor]) -> None:
        """Keys and values of `rows`, of `count`, on the right of the first `width` tokens, with zeros before them."""
        if not self.is_initialized:
            self.lazy_initialization(*states)
            sizes = [(count, each.shape[1], self.length, each.shape[3]) for each in states]
            self.memory = [each.new_zeros(size) for each, size in zip(states, sizes, strict=True)]
            self.keys, self.values = (memory[:, :, :width] for memory in self.memory)
        for memory, read in zip(self.memory, states, strict=True):
            memory[rows, :, width - read.shape[2] : width] = read

    def _reserve(self, states: torch.Tensor) -> torch.Tensor:
        rows, heads, _, width = states.shape
        return states.new_empty(rows, heads, self.length, width)


def reserved_cache(model: Any, length: int) -> DynamicCache:
    """A cache for `length` tokens; layers of another kind (a sliding window, for instance) stay the model's own."""
    cache = DynamicCache(config=model.config)
    cache.layers = [_ReservedLayer(length) if type(each) is DynamicLayer else each for each in cache.layers]
    return cache


def keeps_all(model: Any) -> bool:
    """Whether all layers keep what they have read, so that the last tokens can be taken back."""
    return all(type(each) is DynamicLayer for each in DynamicCache(config=model.config).layers)


def left_padded(rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of [length, width] as [rows, longest, width] and their mask [rows, longest], zeros on the left."""
    longest = max(len(row) for row in rows)
    padded = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=padded.device)
    for at, row in enumerate(rows):
        padded[at, longest - len(row) :] = row
        mask[at, longest - len(row) :] = 1
    return padded, mask


def read_prompts(
    model: Any, prompts: Sequence[torch.Tensor], more: int
) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
    """A cache of the prompts, padded on the left, with room for `more` tokens; its mask; the logits after each prompt.

    prompts: embeddings [length, width]. Returns a mask [prompts, longest] and logits [prompts, vocabulary]. On a CPU
    prompts of similar length are read together, few at a time, since padding takes as long as text.
    """
    embeds, mask = left_padded(prompts)
    count, longest = mask.shape
    cache = reserved_cache(model, longest + more)
    most = tokens_at_once(embeds.device) if keeps_all(model) else None
    last: dict[int, torch.Tensor] = {}
    for group in by_length([len(prompt) for prompt in prompts], count, most):
        rows = sorted(group)
        read = cache if len(rows) == count else DynamicCache(config=model.config)
        width = max(len(prompts[row]) for row in rows)
        kept = mask[rows, longest - width :]
        inputs = {"attention_mask": kept, "position_ids": (kept.cumsum(1) - 1).clamp(min=0)}
        part = embeds[rows, longest - width :]
        output = model(inputs_embeds=part, **inputs, past_key_values=read, use_cache=True, **last_logits(model))
        last |= dict(zip(rows, output.logits[:, -1], strict=True))
        if read is not cache:
            for layer, states in zip(cache.layers, read.layers, strict=True):
                layer.put(rows, count, longest, (states.keys, states.values))
    return cache, mask, torch.stack([last[row] for row in range(count)])


def read_rows(
    model: Any, prompts: Sequence[torch.Tensor], which: Sequence[int], more: int
) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
    """As `read_prompts`, for rows with the prompts `which`; one that several rows have is read once."""
    cache, mask, logits = read_prompts(model, prompts, more)
    if len(which) > len(prompts):
        copies = torch.tensor(which, device=mask.device)
        select_rows(cache, copies)
        mask, logits = mask[copies], logits[copies]
    return cache, mask, logits


def select_rows(cache: DynamicCache, rows: torch.Tensor) -> None:
    """Only keep `rows` of the cache, in their order; a row may occur several times."""
    for layer in cache.layers:
        if isinstance(layer, LinearAttentionCacheLayerMixin):
            layer.reorder_cache(rows)  # a hybrid model's layers with a state know no batch_select_indices
        else:
            layer.batch_select_indices(rows)


def last_logits(model: Any) -> dict[str, int]:
    """The argument with which `model` computes the logits of the last token alone, where it knows one."""
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
