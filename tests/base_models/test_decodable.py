"""Bases whose replies would be wrong: those whose state decoding does not hand on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BloomConfig,
    BloomForCausalLM,
    FalconMambaConfig,
    FalconMambaForCausalLM,
    Mamba2Config,
    Mamba2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    RecurrentGemmaConfig,
    RecurrentGemmaForCausalLM,
    RwkvConfig,
    RwkvForCausalLM,
)

from attune.base_models.decodable import check_decodable
from attune.base_models.fetching import fetch
from attune.core.devices import device
from attune.core.errors import AttuneError
from attune.generators.loading import load_base
from tests.generators.tiny import gpt, llama, saved, tokenizer

SHAPE = {"vocab_size": len(tokenizer()), "hidden_size": 16, "num_hidden_layers": 2}
ENDS = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)


def recurrent(kind: str) -> Any:
    if kind == "mamba":
        return MambaForCausalLM(MambaConfig(**SHAPE, **ENDS, state_size=4))
    if kind == "mamba2":
        heads = {"num_heads": 4, "head_dim": 8, "n_groups": 1}
        return Mamba2ForCausalLM(Mamba2Config(**SHAPE, **ENDS, **heads, state_size=4))
    if kind == "falcon_mamba":
        return FalconMambaForCausalLM(FalconMambaConfig(**SHAPE, **ENDS, state_size=4))
    if kind == "rwkv":
        return RwkvForCausalLM(RwkvConfig(**SHAPE, **ENDS, attention_hidden_size=16, context_length=64))
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 32, "lru_width": 16}
    return RecurrentGemmaForCausalLM(RecurrentGemmaConfig(**SHAPE, **ENDS, **heads, attention_window_size=8))


@pytest.mark.parametrize("kind", ["mamba", "mamba2", "falcon_mamba", "rwkv", "recurrent_gemma"])
@pytest.mark.fault("a base that keeps a state: {kind}", "refused, since its replies would be wrong")
def test_a_base_that_keeps_a_state_is_refused(kind: str, tmp_path: Path) -> None:
    folder = saved(recurrent(kind), tmp_path / "state")
    with pytest.raises(AttuneError, match=rf"state: replies .* a {kind} keeps .* such as GPT-2, GPT-Neo or Llama"):
        load_base(folder)


@pytest.mark.parametrize("kind", ["mamba", "recurrent_gemma"])
def test_such_a_base_is_refused_before_it_is_copied(kind: str, tmp_path: Path) -> None:
    folder = saved(recurrent(kind), tmp_path / "state")
    with pytest.raises(AttuneError, match=f"state: replies .* a {kind} keeps .* such as GPT-2, GPT-Neo or Llama"):
        fetch(str(folder), tmp_path / "target", "base")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("kind", ["openai-gpt", "reformer", "rwkv", "xlm", "xlnet", "xlstm"])
def test_a_kind_without_keys_and_values_is_known_by_its_class(kind: str, tmp_path: Path) -> None:
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    with pytest.raises(AttuneError, match=f"a {kind} keeps none of them"):
        check_decodable(tmp_path)


def test_a_kind_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    AutoConfig.for_model("vit").save_pretrained(tmp_path)
    with pytest.raises(AttuneError, match="transformers has no causal language model of the kind vit"):
        check_decodable(tmp_path)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.fault("a {family} that reads in both directions, as a base", "refused; what is_decoder would say is told")
def test_a_base_that_reads_in_both_directions_is_refused(family: str, tmp_path: Path) -> None:
    config = AutoConfig.for_model(
        family, **SHAPE, num_attention_heads=2, intermediate_size=32, max_position_embeddings=64
    )
    folder = saved(AutoModelForCausalLM.from_config(config), tmp_path / "m")
    message = (
        rf"config\.json: a {family} without is_decoder reads a text in both directions, .* set is_decoder: true if"
    )
    with pytest.raises(AttuneError, match=message):
        fetch(str(folder), tmp_path / "target", "base")
    with pytest.raises(AttuneError, match=message):
        load_base(folder)
    config.is_decoder = True
    config.save_pretrained(folder)
    fetch(str(folder), tmp_path / "target", "base")
    model, ids = load_base(tmp_path / "target").eval(), torch.tensor([[1, 2, 3], [1, 2, 4]]).to(device())
    first, second = model(ids).logits[:, :2]
    assert torch.allclose(first, second, atol=1e-5)  # what comes after a token is not read


def test_a_base_with_attention_is_taken(tmp_path: Path) -> None:
    bloom = BloomForCausalLM(BloomConfig(vocab_size=99, hidden_size=16, n_layer=2, n_head=2))
    for model in (gpt(), gpt("gpt_neo"), llama(), bloom):
        model.config.save_pretrained(tmp_path)
        check_decodable(tmp_path)
