from typing import Any

import pytest
import torch
from transformers import DynamicCache

from attune.inference import cache as module
from attune.inference.cache import last_logits, left_padded, read_prompts, reserved_cache
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


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama])
@pytest.mark.parametrize("tokens", [None, 1, 8])  # read at once: all prompts, one, or as many as fit
def test_prompts_that_are_read_in_parts_give_what_one_pass_gives(
    make: Any, tokens: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "tokens_at_once", lambda _: tokens)
    model = make()
    prompts = [model.get_input_embeddings()(torch.arange(3, 3 + length)) for length in (4, 2, 9, 2)]
    embeds, mask = left_padded(prompts)
    next_ids, positions = torch.tensor([[4], [5], [6], [7]]), (mask.cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        whole = DynamicCache(config=model.config)
        wanted = model(inputs_embeds=embeds, attention_mask=mask, position_ids=positions, past_key_values=whole).logits
        cache, found_mask, found = read_prompts(model, prompts, more=1)
        assert found_mask.equal(mask)
        assert torch.allclose(found, wanted[:, -1], rtol=1e-5, atol=1e-5)
        longer, after = torch.cat([mask, mask.new_ones(4, 1)], 1), mask.sum(1, keepdim=True)
        both = [
            model(
                next_ids, attention_mask=longer, position_ids=after, past_key_values=each, **last_logits(model)
            ).logits
            for each in (cache, whole)
        ]
    assert torch.allclose(*both, rtol=1e-5, atol=1e-5)


def test_generation_pads_on_the_left() -> None:
    padded, mask = left_padded([torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0]])])
    assert padded.squeeze(2).tolist() == [[1, 2], [0, 3]]
    assert mask.tolist() == [[1, 1], [0, 1]]
