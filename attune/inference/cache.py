"""The keys and values of what a model has read and written, in memory that is reserved once."""

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


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

    def _reserve(self, states: torch.Tensor) -> torch.Tensor:
        rows, heads, _, width = states.shape
        return states.new_empty(rows, heads, self.length, width)


def reserved_cache(model: Any, length: int) -> DynamicCache:
    """A cache for `length` tokens; layers of another kind (a sliding window, for instance) stay the model's own."""
    cache = DynamicCache(config=model.config)
    cache.layers = [_ReservedLayer(length) if type(each) is DynamicLayer else each for each in cache.layers]
    return cache
