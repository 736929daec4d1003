"""Bases of families that PEFT knows less well: they train, or are refused in a sentence."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel, PromptTuningConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from attune.core.errors import AttuneError
from attune.core.files import read_json
from attune.generators.adapters import add_lora, add_virtual_tokens
from attune.generators.loading import load_base
from attune.generators.saving import save_generator
from tests.generators.tiny import gpt, llama, saved, tokenizer

# OPT's embeddings are narrower than its layers, as those of OPT-350m are.
SHAPES: dict[str, dict[str, Any]] = {
    "mpt": {"d_model": 16, "n_heads": 2, "n_layers": 2},
    "xglm": {"d_model": 16, "attention_heads": 2, "num_layers": 2, "ffn_dim": 32},
    "opt": {
        "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "word_embed_proj_dim": 8, "ffn_dim": 32
    },
    "falcon_h1": {
        "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 2,
        "intermediate_size": 32, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1,
        "mamba_d_state": 8, "mamba_chunk_size": 8,
    },
}  # fmt: skip


def model_of(family: str) -> Any:
    return AutoModelForCausalLM.from_config(
        AutoConfig.for_model(family, vocab_size=len(tokenizer()), **SHAPES[family])
    ).eval()


@pytest.mark.parametrize("family", ["mpt", "xglm", "opt", "falcon_h1"])
def test_virtual_tokens_are_kept_and_loaded_again(family: str, tmp_path: Path) -> None:
    model = model_of(family)
    base = saved(model, tmp_path / "base")
    add_virtual_tokens(model, base, virtual_tokens=4).save_pretrained(tmp_path / "adapter")
    tuned = PeftModel.from_pretrained(load_base(base), tmp_path / "adapter")
    assert tuned.get_prompt(1).shape == (1, 4, model.get_input_embeddings().embedding_dim)


@pytest.mark.parametrize("made", [gpt, partial(gpt, "gpt_neo"), llama], ids=["gpt2", "gpt_neo", "llama"])
def test_a_base_that_peft_knows_is_described_as_peft_does(made: Callable[[], Any], tmp_path: Path) -> None:
    """So that adapter_config.json has the bytes that it had before its shape was given."""
    model = made()
    base = saved(model, tmp_path)
    given = add_virtual_tokens(model, base, virtual_tokens=4).peft_config["default"]
    found = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    get_peft_model(made(), found)  # adds what it finds
    for key in ("num_layers", "num_attention_heads", "token_dim"):
        assert getattr(given, key) == getattr(found, key) is not None


def test_the_names_in_an_adapter_s_description_are_in_one_order(tmp_path: Path) -> None:
    """PEFT keeps them as a set, whose order differs from process to process."""
    model = add_lora(llama(), tmp_path, lora_rank=2, lora_alpha=4, lora_dropout=0.0)
    save_generator(model, tokenizer(), tmp_path / "saved", "mine")
    names = read_json(tmp_path / "saved" / "adapter_config.json")["target_modules"]
    assert len(names) == 7
    assert names == sorted(names)


@pytest.mark.fault("a base that PEFT refuses for the method", "named, with PEFT's words and what to change")
def test_a_base_that_peft_refuses_is_named() -> None:
    words = r"method = lora cannot train the base mine, .* falcon_h1; name another method.* PEFT says: .*'out_proj'"
    with pytest.raises(AttuneError, match=words):
        add_lora(model_of("falcon_h1"), Path("base/mine"), lora_rank=2, lora_alpha=4, lora_dropout=0.0)
