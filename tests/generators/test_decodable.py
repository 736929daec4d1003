"""Bases whose replies would be wrong: those whose state decoding does not hand on."""

from pathlib import Path
from typing import Any

import pytest
from transformers import (
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

from attune.core.errors import AttuneError
from attune.generators.decodable import check_decodable
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


def test_a_base_with_attention_is_taken() -> None:
    bloom = BloomForCausalLM(BloomConfig(vocab_size=99, hidden_size=16, n_layer=2, n_head=2))
    for model in (gpt(), gpt("gpt_neo"), llama(), bloom):
        check_decodable(model, Path("base"))
