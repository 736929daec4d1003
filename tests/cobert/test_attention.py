import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from attune.cobert import attention
from attune.cobert.model import Cobert
from tests.cobert.test_gradient_cache import batch
from tests.cobert.tiny import cobert

SHARE = 0.3
MODULE = SimpleNamespace(is_causal=False)


def sides() -> tuple[Any, ...]:
    """query, key, value (2, 3, 5, 4) and a mask (2, 1, 5, 5) that hides the second row's last two."""
    torch.manual_seed(1)
    found = [torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    mask[1, ..., -2:] = False
    return *found, mask


def by_the_definition(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, kept: Tensor) -> Tensor:
    weights = (query @ key.mT / 2).masked_fill(~mask, -torch.inf).softmax(-1)
    return ((weights * kept / (1 - SHARE)) @ value).transpose(1, 2)


def test_dropout_is_of_the_weights_and_the_gradients_are_autograd_s() -> None:
    query, key, value, mask = sides()
    torch.manual_seed(2)
    found, _ = attention.attention(MODULE, query, key, value, mask, dropout=SHARE)
    torch.manual_seed(2)
    kept = torch.empty(2, 3, 5, 5, dtype=torch.bool).bernoulli_(1 - SHARE)
    assert 0 < kept.sum() < kept.numel()
    expected = by_the_definition(query, key, value, mask, kept)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    given = torch.autograd.grad(found, (query, key, value), direction)
    wanted = torch.autograd.grad(expected, (query, key, value), direction)
    for one, other in zip(given, wanted, strict=True):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(one, other)


def test_packed_sequences_attend_to_themselves_alone() -> None:
    query, key, value, _ = sides()
    packed = [side.transpose(0, 1).flatten(1, 2)[None] for side in (query, key, value)]
    found, _ = attention.attention(MODULE, *packed, None, lengths=[2, 3, 3, 2])
    apart = [[side[:, :, at:to] for side in packed] for at, to in ((0, 2), (2, 5), (5, 8), (8, 10))]
    expected = torch.cat([attention.attention(MODULE, *each, None)[0] for each in apart], 1)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    given = torch.autograd.grad(found, (query, key, value), direction)
    for one, other in zip(given, torch.autograd.grad(expected, (query, key, value), direction), strict=True):
        torch.testing.assert_close(one, other)


def test_packed_sequences_drop_out_as_padded_ones_do() -> None:
    query, key, value, mask = sides()
    packed = [side.transpose(0, 1).flatten(1, 2)[None] for side in (query, key, value)]
    torch.manual_seed(2)
    found, _ = attention.attention(MODULE, *packed, None, dropout=SHARE, lengths=[5, 5])
    torch.manual_seed(2)
    expected, _ = attention.attention(MODULE, query, key, value, torch.ones_like(mask), dropout=SHARE)
    torch.testing.assert_close(found[0].unflatten(0, (2, 5)), expected)


def test_the_mean_over_draws_is_attention_without_dropout() -> None:
    query, key, value, mask = (side.detach() for side in sides())
    draws = [attention.attention(MODULE, query, key, value, mask, dropout=SHARE)[0] for _ in range(4000)]
    whole, _ = attention.attention(MODULE, query, key, value, mask)
    torch.testing.assert_close(torch.stack(draws).mean(0), whole, atol=0.06, rtol=0)


def test_what_is_more_than_a_mask_is_left_to_sdpa() -> None:
    query, key, value, mask = sides()
    bias = torch.randn(1, 3, 5, 5, dtype=torch.float64)
    drawn = []
    for attend in (attention.attention, sdpa_attention_forward):
        torch.manual_seed(2)
        drawn.append(attend(MODULE, query, key, value, mask, dropout=SHARE, position_bias=bias)[0])
    assert torch.equal(*drawn)
    with pytest.raises(ValueError, match="softcap"):
        attention.attention(MODULE, query, key, value, mask, dropout=SHARE, softcap=1.0)


def bytes_kept(model: Cobert, given: dict[str, Any]) -> int:
    """How many bytes autograd is given to keep in a step."""
    sizes = []

    def keep(tensor: Tensor) -> Tensor:
        sizes.append(math.prod(tensor.shape) * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(**given)["loss"]
    loss.backward()
    assert all(each.grad.isfinite().all() for each in model.parameters() if each.grad is not None)
    return sum(sizes)


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_a_step_keeps_less_than_with_sdpa(tmp_path: Path, family: str) -> None:
    model, inputs = cobert(tmp_path, family=family, dropout=SHARE, score_scale=0.1)
    model.train()
    given = batch(inputs)
    assert model.encoder.config._attn_implementation == attention.NAME
    less = bytes_kept(model, given)
    model.encoder.set_attn_implementation("sdpa")
    assert less < bytes_kept(model, given)


def test_a_saved_model_does_not_name_it(tmp_path: Path) -> None:
    model, _ = cobert(tmp_path)
    model.save_pretrained(tmp_path / "saved")
    assert attention.NAME not in (tmp_path / "saved" / "config.json").read_text()
