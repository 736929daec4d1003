"""The reports' models at their real sizes, with random weights: they load, learn a step and reply."""

from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoConfig, GPTNeoForCausalLM

from attune.generators.adapters import add_lora
from attune.generators.prompts import examples
from attune.generators.training import train
from attune.inference.generator import Generator
from attune.parameters.decoding import Decoding
from tests.generators.tiny import dialogue_rows, generator, saved

SIZES = {
    "distilgpt2": lambda: GPT2LMHeadModel(GPT2Config(n_layer=6)),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config()),
    "gpt-neo-125m": lambda: GPTNeoForCausalLM(
        GPTNeoConfig(
            hidden_size=768, num_layers=12, num_heads=12, attention_types=[[["global", "local"], 6]], window_size=256
        )
    ),
}
PARAMETERS = {"distilgpt2": 82e6, "gpt2": 124e6, "gpt-neo-125m": 125e6}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_a_model_of_the_reports_size_learns_and_replies(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = SIZES[name]()
    assert model.num_parameters() == pytest.approx(PARAMETERS[name], rel=0.02)
    base = saved(model, tmp_path / "base")
    method = "lora" if name == "gpt-neo-125m" else "full"
    settings = generator(method, steps=2, lr=1e-4, max_length=60)
    curve = train(settings, base, examples(dialogue_rows()), 1, tmp_path / "c", tmp_path / "run")
    assert curve[-1]["valid_loss"] < curve[0]["valid_loss"]
    ready = Generator.from_pretrained(tmp_path / "run", base, max_new_tokens=8)
    replies = ready.replies(examples(dialogue_rows())[:3], Decoding(method="greedy"), batch_size=3, seed=1)
    assert len(replies) == 3


def test_the_reports_largest_model_takes_lora_as_the_others_do() -> None:
    """gpt-neo-1.3B on the meta device, where weights have a shape and take no memory."""
    with torch.device("meta"):
        config = GPTNeoConfig(
            hidden_size=2048, num_layers=24, num_heads=16, attention_types=[[["global", "local"], 12]], window_size=256
        )
        model = GPTNeoForCausalLM(config)
        assert model.num_parameters() == pytest.approx(1.3156e9, rel=1e-4)
        adapted = add_lora(model, Path(), lora_rank=8, lora_alpha=16, lora_dropout=0.0)
        trained = sum(each.numel() for each in adapted.parameters() if each.requires_grad)
        # Each layer's matrices: four from the width to the width, one to four times the width, and one back.
        assert trained == 24 * 8 * 2048 * (4 * 2 + 2 * 5)
        assert adapted(input_ids=torch.zeros(1, 5, dtype=torch.long)).logits.shape == (1, 5, 50257)
