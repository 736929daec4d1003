from typing import Any

import pytest
import torch
from transformers import DynamicCache

from attune.inference.cache import reserved_cache
from tests.generators.tiny import gpt, llama

IDS = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12], [3, 4, 5, 6]])


def logits(model: Any, cache: DynamicCache) -> list[torch.Tensor]:
    """Of a prompt of two tokens, of the next one, and of another one after the second row was dropped."""
    found = []
    with torch.inference_mode():
        found.append(model(IDS[:, :2], past_key_values=cache).logits)
        found.append(model(IDS[:, 2:3], past_key_values=cache).logits)
        cache.batch_select_indices(torch.tensor([0, 2]))
        found.append(model(IDS[[0, 2], 3:], past_key_values=cache).logits)
    return found


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama])
def test_memory_that_is_reserved_once_holds_what_memory_that_grows_does(make: Any) -> None:
    model = make()
    found, wanted = logits(model, reserved_cache(model, 4)), logits(model, DynamicCache(config=model.config))
    assert all(torch.allclose(*pair, rtol=1e-5, atol=1e-6) for pair in zip(found, wanted, strict=True))


def test_a_token_is_written_where_there_is_room_for_it() -> None:
    model = llama()
    cache = reserved_cache(model, 4)
    logits(model, cache)
    (layer, *_) = cache.layers
    assert layer.get_seq_length() == 4
    assert [tuple(each.shape) for each in layer.memory] == [(2, 1, 4, 8)] * 2
    assert layer.keys.data_ptr() == layer.memory[0].data_ptr()
