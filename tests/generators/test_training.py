import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.models.gpt2.modeling_gpt2 import GPT2MLP

from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.generators import length_sampler, losses, training
from attune.generators.encoding import Room
from attune.generators.loading import load_base, load_generator, load_tokenizer, read_card
from attune.generators.prompts import examples
from attune.generators.rows import write_rows
from attune.generators.training import train
from tests.generators.tiny import CHAT, dialogue_rows, generator, gpt, gpt_neox, llama, prompted, saved, tokenizer
from tests.training.interruption import BreaksOff, Stop

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


def test_no_row_that_is_measured_is_trained_on(tmp_path: Path) -> None:
    words = tokenizer()
    rows = write_rows(tmp_path / "rows.arrow", EXAMPLES, words, Room(64))
    trained, held_out = training._split(rows, "c", 1)
    assert held_out
    assert {row.id for row in held_out}.isdisjoint(trained["id"])


def test_seeds_that_share_a_drawing_hold_out_the_same_rows_and_train_apart(tmp_path: Path) -> None:
    """Of several seeds' losses, the one before training then shows whether the same rows are measured."""
    base = saved(gpt(), tmp_path / "base")
    before, after = [], []
    for seed, drawn in ((1, 7), (2, 7), (2, None)):
        folder = tmp_path / f"{seed}-{drawn}"
        curve = train(generator("full"), base, EXAMPLES, seed, folder / "c", folder / "m", drawing_seed=drawn)
        before.append(curve[0]["valid_loss"])
        after.append(curve[-1]["valid_loss"])
    assert before[0] == before[1] != before[2]
    assert after[0] != after[1]


def test_the_curve_grows_while_it_is_trained_and_ends_as_it_is_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, grown = saved(gpt(), tmp_path / "base"), []
    curve = train(generator("full"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run", follow=grown.append)
    steps = [each[-1]["step"] for each in grown]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    assert (steps[0], grown[-1]) == (0, curve)
    assert "of 10, about" in capsys.readouterr().out


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
        "format_version": 5,
    }


@pytest.mark.parametrize(
    ("reply", "settings", "one_line"),
    [
        ("I am sorry.\n", generator("full", steps=1), True),
        ("I am sorry.\n\nWhy?", generator("full", steps=1), False),
        ("I am sorry.\n\nWhy?", prompted(), True),  # no reply was trained on
    ],
)
def test_the_card_says_whether_every_reply_that_was_trained_on_has_one_line(
    tmp_path: Path, reply: str, settings: Any, one_line: bool
) -> None:
    given = [*EXAMPLES[:-1], replace(EXAMPLES[-1], reply=reply)]
    train(settings, saved(gpt(), tmp_path / "base"), given, 1, tmp_path / "c", tmp_path / "run")
    assert read_card(tmp_path / "run").one_line is one_line


def test_a_llama_shaped_directory_trains_and_loads_with_no_line_of_code(tmp_path: Path) -> None:
    base = saved(llama(), tmp_path / "base")
    train(generator("lora"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    model = load_generator(tmp_path / "run", read_card(tmp_path / "run"), base)
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
@pytest.mark.fault("a loss that is not a number, of a generator", "the training stops with the step")
def test_a_loss_that_is_not_a_number_stops_with_the_step(tmp_path: Path) -> None:
    model = gpt()
    model.transformer.wte.weight.data.fill_(float("nan"))
    base = saved(model, tmp_path / "base")
    with pytest.raises(AttuneError, match="held-out loss after step 0 is nan"):
        train(generator("full"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


def test_a_rate_that_blows_up_stops_with_the_step(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    wild = generator("full").model_copy(update={"lr": 1e30})
    with pytest.raises(AttuneError, match=r"the training loss at step 2 is (nan|inf); lower the learning rate"):
        train(wild, base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


@pytest.mark.parametrize(
    ("method", "changes", "make"),
    [
        ("full", {}, gpt),
        ("full", {}, gpt_neox),
        ("prompt_tuning", {}, gpt),
        ("lora", {}, gpt),
        ("full", {"frozen_layers": 1}, gpt),
        ("lora", {"frozen_layers": 1}, gpt),
    ],
)
@pytest.mark.fault("an interrupted training of a generator", "resumed to the same bytes")
def test_an_interrupted_training_resumes_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, changes: dict[str, int], make: Any
) -> None:
    base = saved(make(), tmp_path / "base")
    steady = generator(method, schedule="constant_with_warmup", **changes)
    expected = train(steady, base, EXAMPLES, 1, tmp_path / "whole", tmp_path / "run")
    broken = BreaksOff(monkeypatch, training, at=6)
    with pytest.raises(Stop):
        train(steady, base, EXAMPLES, 1, tmp_path / "c", tmp_path / "broken")
    broken.again()
    # The second time as if it was killed between the end of the training and the end of its stage.
    for name, first in (("resumed", 5), ("once more", 9)):
        assert train(steady, base, EXAMPLES, 1, tmp_path / "c", tmp_path / name) == expected
        assert broken.updates == list(range(first, 11))
        broken.updates.clear()
        for path in (tmp_path / "run").iterdir():
            assert sha256(path) == sha256(tmp_path / name / path.name), path.name


def test_more_tokens_than_the_base_has_positions_is_an_error(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    with pytest.raises(AttuneError, match="need 65 positions, but the base tiny has 64"):
        train(generator("full", max_length=65), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")


def test_one_conversation_is_too_few(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    with pytest.raises(AttuneError, match="training needs two"):
        train(generator("full"), base, EXAMPLES[:1], 1, tmp_path / "c", tmp_path / "run")


def test_a_prompted_base_is_measured_and_not_trained(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    instructed = examples(dialogue_rows(), "Be kind.")
    curve = train(prompted(), base, instructed, 1, tmp_path / "c", tmp_path / "run")
    plain = train(generator("full"), base, EXAMPLES, 1, tmp_path / "d", tmp_path / "other")
    assert [row["step"] for row in curve] == [0]
    assert curve[0]["valid_loss"] != plain[0]["valid_loss"]  # the instruction was read
    told = train(generator("full", steps=1), base, instructed, 1, tmp_path / "e", tmp_path / "told")
    assert curve[0]["valid_loss"] == told[0]["valid_loss"]  # of the same held-out rows
    assert not list((tmp_path / "run").glob("*.safetensors"))
    loaded, model = load_generator(tmp_path / "run", read_card(tmp_path / "run"), base), load_base(base)
    assert type(loaded) is type(model)
    assert all(torch.equal(*pair) for pair in zip(loaded.parameters(), model.parameters(), strict=True))
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert (card["method"], card["trainable_parameters"]) == ("prompt", 0)


def test_passages_are_trained_on_where_there_is_room_for_them(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    passages = [{"text": "I am sad.\n"}]
    given = examples([row | {"passages": passages} for row in dialogue_rows()], passages=None)
    curves = [
        train(
            generator("full", rows="passages/empathetic_dialogues", passage_tokens=tokens, max_length=40),
            base,
            given,
            1,
            tmp_path / f"c{tokens}",
            tmp_path / f"run{tokens}",
        )
        for tokens in (1, 24)
    ]
    without = train(generator("full", max_length=40), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "plain")
    assert curves[0][0] == without[0]  # none fits into one token
    assert curves[1][0] != without[0]


@pytest.mark.parametrize("method", ["full", "prompt_tuning", "lora"])
def test_gradient_checkpointing_runs_blocks_again_and_changes_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    base = saved(gpt(), tmp_path / "base")
    runs = {False: 0, True: 0}
    forward = GPT2MLP.forward

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        runs[on] += 1
        return forward(self, *given, **named)

    monkeypatch.setattr(GPT2MLP, "forward", counted)
    curves = []
    for on in (False, True):
        dropout = {"lora_dropout": 0.0} if method == "lora" else {}
        saving = generator(method, gradient_checkpointing=on, steps=4, **dropout)
        curves.append(train(saving, base, EXAMPLES, 1, tmp_path / f"c{on}", tmp_path / f"{on}"))
    for plain, other in zip(*curves, strict=True):
        assert plain == pytest.approx(other, abs=2e-3)
    assert runs[True] == runs[False] + 4 * 2  # of each update's two blocks


def test_accumulated_batches_weigh_each_reply_token_alike(tmp_path: Path) -> None:
    """Two batches of four and one of eight give the same update, though their replies differ in length."""
    base = saved(gpt(), tmp_path / "base")
    eight = EXAMPLES[:10]  # of which the last conversation is held out
    curves = [
        train(generator("full", steps=1, **sizes), base, eight, 1, tmp_path / f"c{at}", tmp_path / f"run{at}")
        for at, sizes in enumerate(({"batch_size": 8}, {"batch_size": 4, "accumulation": 2}))
    ]
    assert curves[0][-1]["valid_loss"] == pytest.approx(curves[1][-1]["valid_loss"], abs=2e-4)
    assert curves[0][-1]["train_loss"] == pytest.approx(curves[1][-1]["train_loss"], abs=2e-4)


def test_four_bits_without_a_gpu_say_so(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(AttuneError, match="load_in_4bit needs an NVIDIA GPU and the package bitsandbytes"):
        train(generator("lora", load_in_4bit=True), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    assert not (tmp_path / "c").exists()  # no row was tokenised
    with pytest.raises(AttuneError, match="load_in_4bit needs an NVIDIA GPU"):
        load_base(base, four_bits=True)


def test_logs_and_checkpoints_come_as_often_as_asked(tmp_path: Path) -> None:
    base = saved(gpt(), tmp_path / "base")
    curve = train(generator("full", log_steps=3, save_steps=6), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
    assert [row["step"] for row in curve if "train_loss" in row] == [1, 3, 6, 9]
    assert [path.name for path in sorted((tmp_path / "c").glob("checkpoint-*"))] == ["checkpoint-6"]  # none at the end


def memory_for(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the losses of more than so many rows run out of memory, in training after gradients that must not remain."""
    computed = losses.token_losses

    def limited(model: Any, batch: Any) -> torch.Tensor:
        if len(batch["input_ids"]) <= rows:
            return computed(model, batch)
        if model.training:
            computed(model, batch).sum().backward()
        raise torch.OutOfMemoryError("out of memory")

    for module in (losses, length_sampler):
        monkeypatch.setattr(module, "token_losses", limited)


@pytest.mark.fault("out of memory in a generator's training", "it continues in parts, with the same result")
def test_out_of_memory_a_training_continues_in_parts_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = saved(gpt(), tmp_path / "base")
    settings = generator("full", steps=4, accumulation=2, frozen_layers=1)
    whole = train(settings, base, EXAMPLES, 1, tmp_path / "c1", tmp_path / "whole")
    memory_for(2, monkeypatch)
    parts = train(settings, base, EXAMPLES, 1, tmp_path / "c2", tmp_path / "parts")
    said = "out of GPU memory at step 1: continuing with micro-batches of 2; the batch size stays 4"
    assert capsys.readouterr().out.count(said) == 1
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, abs=2e-4)


@pytest.mark.fault("one reply too large for the memory", "what helps is said")
def test_a_reply_that_does_not_fit_alone_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = saved(gpt(), tmp_path / "base")
    memory_for(0, monkeypatch)
    monkeypatch.setattr(training, "mean_loss", lambda *_, **__: 1.0)
    with pytest.raises(
        AttuneError, match="training step on a single row does not fit into the GPU's memory; lower max_length"
    ):
        train(generator("full"), base, EXAMPLES, 1, tmp_path / "c", tmp_path / "run")
