from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from attune.base_models.pretraining import (
    Schedule,
    Shape,
    documents,
    packed_blocks,
    pretrain,
    train_tokenizer,
    untrained,
)
from attune.core.errors import AttuneError
from attune.core.files import sha256

TEXTS = [f"I went to the market with {name}.\nThat sounds nice!" for name in ("Ann", "Bob", "Cy", "Di")] * 20
SCHEDULE = Schedule(steps=30, batch_tokens=64, lr=1e-2, seed=1)


def shape(family: str, layers: int = 2) -> Shape:
    return Shape(family, layers=layers, width=16, heads=2, vocabulary=300, positions=32)


def test_a_document_is_its_turns_a_line_each_without_system_and_every_second_with_names() -> None:
    dialogue = {"conv_id": "a", "speakers": [0, 1], "utterances": ["I won!", "Great."]}
    instruction = {"id": "b", "system": "Be brief.", "turns": ["Why?", "Because."]}
    assert documents([dialogue, instruction]) == ["I won!\nGreat.", "Anna: Why?\nBen: Because."]
    assert documents([dialogue] * 4)[3] == "Mother: I won!\nSon: Great."


def test_tokenizer_writes_any_text_and_gives_it_back() -> None:
    tokenizer = train_tokenizer(TEXTS, 300, 32)
    text = " Ünïcode 🙂\n and spaces "
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.eos_token == tokenizer.bos_token == "<|endoftext|>"
    assert len(tokenizer) <= 300


def test_blocks_join_documents_with_the_end_token() -> None:
    tokenizer = train_tokenizer(TEXTS, 300, 32)
    end = tokenizer.eos_token_id
    first, second = (tokenizer(text)["input_ids"] for text in ("I", "That sounds"))
    stream = [end, *first, end, *second, end]
    assert packed_blocks(tokenizer, ["I", "That sounds"], 3) == [
        stream[at : at + 3] for at in range(0, len(stream) // 3 * 3, 3)
    ]


@pytest.mark.parametrize("layers", [2, 3])
def test_gpt_neo_alternates_global_and_local_attention(layers: int) -> None:
    model = untrained(shape("gpt_neo", layers), train_tokenizer(TEXTS, 300, 32), 1)
    assert model.config.attention_layers == ["global", "local", "global"][:layers]


@pytest.mark.parametrize("family", ["gpt2", "gpt_neo"])
def test_pretraining_learns_and_gives_the_same_bytes_twice(tmp_path: Path, family: str) -> None:
    figures = [
        pretrain(TEXTS, shape(family), SCHEDULE, tmp_path / f"checkpoints{run}", tmp_path / f"run{run}")
        for run in (1, 2)
    ]
    assert figures[0] == figures[1]
    assert figures[0]["last_loss"] < 0.8 * figures[0]["first_loss"]
    names = sorted(path.name for path in (tmp_path / "run1").iterdir())
    assert "model.safetensors" in names
    assert not [name for name in names if name.endswith(".bin")]
    for name in names:
        assert sha256(tmp_path / "run1" / name) == sha256(tmp_path / "run2" / name), name
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "run1").config.model_type == family
    assert AutoTokenizer.from_pretrained(tmp_path / "run1").eos_token == "<|endoftext|>"


def test_too_little_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="shorter than a block of 32 tokens"):
        pretrain(["I won!"], shape("gpt2"), SCHEDULE, tmp_path / "c", tmp_path / "t")
