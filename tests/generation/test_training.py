import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM

from attune.errors import AttuneError
from attune.files import sha256
from attune.generation.adapters import load_base, load_generator, load_tokenizer
from attune.generation.prompts import examples
from attune.generation.training import train
from tests.generation.tiny import CHAT, dialogue_rows, generator, gpt, llama, saved, tokenizer

EXAMPLES = examples(dialogue_rows())


@pytest.mark.parametrize("method", ["full", "prompt_tuning", "lora"])
@pytest.mark.parametrize("family", ["gpt2", "gpt_neo"])
def test_two_trainings_give_the_same_bytes_and_learn(tmp_path: Path, method: str, family: str) -> None:
    base = saved(gpt(family), tmp_path / "base")
    curves = [
        train(generator(method), base, EXAMPLES, 1, tmp_path / f"c{run}", tmp_path / f"run{run}") for run in (1, 2)
    ]
    assert curves[0] == curves[1]
    assert [row["step"] for row in curves[0] if "valid_loss" in row] == [0, 4, 8, 10]
    assert curves[0][-1]["valid_loss"] < curves[0][0]["valid_loss"]
    names = sorted(path.name for path in (tmp_path / "run1").iterdir())
    assert not {name for name in names if name.endswith((".bin", ".pt", ".md"))}
    for name in names:
        assert sha256(tmp_path / "run1" / name) == sha256(tmp_path / "run2" / name), name
        assert str(tmp_path).encode() not in (tmp_path / "run1" / name).read_bytes(), name


def test_prompt_tuning_saves_its_virtual_tokens_alone(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    train(generator("prompt_tuning"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    (weights,) = load_file(tmp_path / "run" / "adapter_model.safetensors").values()
    assert weights.shape == (4, 16)
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["trainable_parameters"] == 64
    assert {key: card[key] for key in ("method", "base", "corpus", "format_version")} == {
        "method": "prompt_tuning",
        "base": "tiny",
        "corpus": "empathetic_dialogues",
        "format_version": 1,
    }


def test_a_llama_shaped_directory_trains_and_loads_with_no_line_of_code(tmp_path: Path) -> None:
    base = saved(llama(), tmp_path / "base")
    train(generator("lora"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    model = load_generator(tmp_path / "run", load_base(base))
    assert {name.split(".")[-1] for name in model.active_peft_config.target_modules} == {
        "down_proj",
        "gate_proj",
        "k_proj",
        "o_proj",
        "q_proj",
        "up_proj",
        "v_proj",
    }


def test_a_qwen2_shaped_directory_with_a_chat_template_trains_fully(tmp_path: Path) -> None:
    words = tokenizer()
    words.chat_template = CHAT
    config = Qwen2Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
    )
    base = saved(Qwen2ForCausalLM(config), tmp_path / "base", words)
    curve = train(generator("full"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    assert curve[-1]["valid_loss"] < curve[0]["valid_loss"]
    assert load_tokenizer(tmp_path / "run").chat_template == CHAT


@pytest.mark.filterwarnings("ignore")
def test_a_loss_that_is_no_number_stops_with_the_step(tmp_path: Path) -> None:
    model = gpt()
    model.transformer.wte.weight.data.fill_(float("nan"))
    base = saved(model, tmp_path / "base")
    with pytest.raises(AttuneError, match="held-out loss after step 0 is nan"):
        train(generator("full"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


def test_a_rate_that_blows_up_stops_with_the_step(tmp_path: Path) -> None:
    model = gpt()
    for parameter in model.parameters():
        parameter.data.mul_(1e18)
    base = saved(model, tmp_path / "base")
    with pytest.raises(AttuneError, match=r"step \d+ is (nan|inf)"):
        train(generator("full", lr=1.0), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


def test_more_tokens_than_the_base_has_positions_is_an_error(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    with pytest.raises(AttuneError, match="need 65 positions, but the base tiny has 64"):
        train(generator("full", max_length=65), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


def test_one_conversation_is_too_few(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    with pytest.raises(AttuneError, match="training needs two"):
        train(generator("full"), base, EXAMPLES[:1], 1, tmp_path / "c", tmp_path / "run")
