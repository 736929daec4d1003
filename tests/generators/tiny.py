"""Tiny models with random weights, and a few conversations."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    Gemma3nForCausalLM,
    Gemma3nTextConfig,
    Gemma4ForCausalLM,
    Gemma4TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    Lfm2Config,
    Lfm2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from attune.generators.adapters import add_lora
from attune.generators.encoded import Encoded, Joined
from attune.generators.prompts import Example
from attune.generators.roles import DIALOGUE
from attune.parameters.generators import SECTIONS, GeneratorSettings

END = "<|endoftext|>"
FEELINGS = ("glad", "sad", "proud", "afraid", "tired", "angry", "calm", "lost", "hurt", "free", "sure", "shy")
CHAT = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def dialogue_rows() -> list[dict[str, Any]]:
    """Two replies in each of twelve conversations, with the columns of a dialogue corpus' processed rows."""
    rows = []
    for feeling in FEELINGS:
        turns = [f"I am {feeling} today.", f"Why are you {feeling}?", "My cat ran away.", "I am sorry."]
        row = {"conv_id": feeling, "context": feeling, "situation": turns[0]}
        rows.append(row | {"turn": 1, "history": [], "input": turns[0], "target": turns[1]})
        rows.append(row | {"turn": 3, "history": turns[:2], "input": turns[2], "target": turns[3]})
    return rows


def alone(*rows: Encoded) -> list[Joined]:
    """Each row by itself, as `scored_batch` takes them."""
    return [Joined.of([row]) for row in rows]


def example(question: str = "My cat ran away.", **given: Any) -> Example:
    given = {"id": "c/3", "history": ("I am sad.", "Why?"), "reply": "I am sorry.", "system": ""} | given
    return Example(conversation="c", roles=DIALOGUE, question=question, **given)


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE with GPT-2's one special token."""
    texts = [text for row in dialogue_rows() for text in (row["input"], row["target"])]
    bpe = ByteLevelBPETokenizer()
    roles = "Speaker: Listener: Question: Answer: System:"
    bpe.train_from_iterator([roles, *texts], vocab_size=400, special_tokens=[END], show_progress=False)
    ends = dict.fromkeys(("bos_token", "eos_token", "pad_token"), END)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, model_max_length=64, clean_up_tokenization_spaces=False, **ends
    )


def gpt(family: str = "gpt2", seed: int = 1, positions: int = 64) -> Any:
    """GPT-2 or GPT-Neo (`gpt_neo`), with large enough weights that the likeliest token is not a matter of rounding."""
    words = tokenizer()
    common = {
        "vocab_size": len(words),
        "max_position_embeddings": positions,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
    }
    torch.manual_seed(seed)
    if family == "gpt2":
        shape = {"n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.06}
        dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
        model = GPT2LMHeadModel(GPT2Config(**common, **shape, **dropout))
    else:
        shape = {"hidden_size": 16, "num_layers": 2, "num_heads": 2, "initializer_range": 0.03}
        model = GPTNeoForCausalLM(GPTNeoConfig(**common, **shape, attention_types=[[["global", "local"], 1]]))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    return model.eval()


_SHAPE = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}


def llama(**changes: Any) -> Any:
    """`changes` go into the configuration."""
    torch.manual_seed(1)
    shape = _SHAPE | {"num_key_value_heads": 1} | changes
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer()), **shape)).eval()


def gpt_neox() -> Any:
    """Its weights have other names on the hub than in transformers."""
    torch.manual_seed(1)
    return GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=len(tokenizer()), **_SHAPE)).eval()


def qwen3_moe() -> Any:
    """Experts in the lower two of three layers; PEFT then adapts them, as the last layer's modules have their names."""
    torch.manual_seed(1)
    experts = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16, "mlp_only_layers": [2]}
    shape = _SHAPE | {"num_hidden_layers": 3, "num_key_value_heads": 1, "head_dim": 8} | experts
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(vocab_size=len(tokenizer()), **shape)).eval()


def _gemma(**changes: Any) -> dict[str, Any]:
    """Four layers of two kinds, and embeddings for each layer."""
    return _SHAPE | {
        "num_hidden_layers": 4,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "sliding_window": 8,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "vocab_size": len(tokenizer()),
        "vocab_size_per_layer_input": len(tokenizer()),
        "hidden_size_per_layer_input": 8,
        "pad_token_id": None,  # its embedding would be zero, of which Gemma 3n's norm has no gradient
        **changes,
    }


def gemma4() -> Any:
    """The upper two of four layers read the keys and values of those below."""
    torch.manual_seed(1)
    return Gemma4ForCausalLM(Gemma4TextConfig(**_gemma(num_kv_shared_layers=2))).eval()


def gemma3n(shared: int) -> Any:
    """Two states for each token between layers; the upper `shared` layers read the keys and values of those below."""
    torch.manual_seed(1)
    parallel = {"activation_sparsity_pattern": [0.0] * 4, "laurel_rank": 4, "altup_num_inputs": 2}
    return Gemma3nForCausalLM(Gemma3nTextConfig(**_gemma(num_kv_shared_layers=shared, **parallel))).eval()


def lfm2() -> Any:
    """A hybrid: a layer that keeps a state, one with attention, and one with a state again."""
    torch.manual_seed(1)
    kinds = ["conv", "full_attention", "conv"]
    shape = _SHAPE | {"num_hidden_layers": 3, "num_key_value_heads": 1, "layer_types": kinds}
    model = Lfm2ForCausalLM(Lfm2Config(vocab_size=len(tokenizer()), **shape)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def with_lora() -> Any:
    """LoRA with random matrices; at first its change of the weights is zero."""
    model = add_lora(gpt(), Path(), lora_rank=2, lora_alpha=4, lora_dropout=0.0)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter.data, std=0.3)
    return model.eval()


def saved(model: Any, folder: Path, words: Any | None = None) -> Path:
    model.save_pretrained(folder)
    (words or tokenizer()).save_pretrained(folder)
    return folder


def generator(method: str, **changes: Any) -> GeneratorSettings:
    """An entry of `generators` that trains by `method`; `changes` go into it."""
    keys = {
        "full": {},
        "prompt_tuning": {"virtual_tokens": 4},
        "lora": {"lora_rank": 2, "lora_alpha": 4, "lora_dropout": 0.1},
    }[method]
    settings = {
        "base": "tiny",
        "corpus": "empathetic_dialogues",
        "rows": "processed/empathetic_dialogues",
        "method": method,
        "lr": 1e-2,
        "steps": 10,
        "batch_size": 4,
        "max_length": 48,
    }
    return SECTIONS[method].model_validate(settings | keys | changes)


def prompted(**changes: Any) -> GeneratorSettings:
    """An entry of `generators` that is not trained."""
    settings = {
        "method": "prompt",
        "base": "tiny",
        "corpus": "empathetic_dialogues",
        "rows": "processed/empathetic_dialogues",
    }
    return SECTIONS["prompt"].model_validate(settings | {"max_length": 48, "instruction": "Be kind."} | changes)
