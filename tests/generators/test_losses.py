from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.fsdp import FSDPModule
from transformers import GPT2LMHeadModel

from attune.core.errors import AttuneError
from attune.generators import losses
from attune.generators.adapters import add_virtual_tokens
from attune.generators.batches import scored_batch
from attune.generators.encoded import Encoded
from attune.generators.encoding import Room, encode_all
from attune.generators.losses import mean_loss, reply_nats, token_losses
from attune.generators.prompts import examples
from tests.generators.tiny import alone, dialogue_rows, gpt, llama, saved, tokenizer, with_lora

WORDS = tokenizer()
ROWS = encode_all(examples(dialogue_rows()), WORDS, Room(64))


def nats_by_hand(model: torch.nn.Module, row: Encoded, before: torch.Tensor | None = None) -> float:
    """-log p of each reply token, one row, without padding; `before` are embeddings in front of it."""
    embeds = model.get_input_embeddings()(torch.tensor([row.prompt + row.reply]))
    if before is not None:
        embeds = torch.cat([before[None], embeds], 1)
    with torch.no_grad():
        logs = model(inputs_embeds=embeds).logits[0].log_softmax(-1)
    start = len(row.prompt) + (0 if before is None else len(before))
    return -sum(float(logs[start + at - 1, token]) for at, token in enumerate(row.reply))


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama])
def test_loss_is_the_one_worked_out_by_hand_whatever_the_batch(make: Any) -> None:
    model = make()
    wanted = [nats_by_hand(model, row) for row in ROWS]
    for pad, batch_size in ((WORDS.eos_token_id, 1), (WORDS.eos_token_id, 7), (3, 24)):
        assert reply_nats(model, ROWS, pad, batch_size) == pytest.approx(wanted, rel=1e-4)
    tokens = sum(len(row.reply) for row in ROWS)
    assert mean_loss(model, ROWS, WORDS.eos_token_id, 5) == pytest.approx(sum(wanted) / tokens, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_model_is_left_as_it_was_and_measured_without_dropout(training: bool) -> None:
    model = gpt()
    wanted = reply_nats(model.eval(), ROWS[:4], WORDS.eos_token_id, 4)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    model.train(training)
    assert reply_nats(model, ROWS[:4], WORDS.eos_token_id, 4) == wanted
    assert model.training == training


def test_lora_s_changes_are_scored() -> None:
    pad = WORDS.eos_token_id
    found = reply_nats(with_lora(), ROWS, pad, 5)
    assert found == pytest.approx(reply_nats(with_lora().merge_and_unload(), ROWS, pad, 5), rel=1e-4)
    assert found != pytest.approx(reply_nats(gpt(), ROWS, pad, 5), rel=1e-2)


def test_virtual_tokens_are_read_but_not_scored(tmp_path: Path) -> None:
    folder = saved(gpt(), tmp_path)
    base = GPT2LMHeadModel.from_pretrained(folder).eval()
    tuned = add_virtual_tokens(GPT2LMHeadModel.from_pretrained(folder), folder, virtual_tokens=4)
    virtual = tuned.get_prompt(1)[0].detach()
    found = reply_nats(tuned, ROWS, WORDS.eos_token_id, 5)
    assert found == pytest.approx([nats_by_hand(base, row, virtual) for row in ROWS], rel=1e-4)
    assert found != pytest.approx(reply_nats(base, ROWS, WORDS.eos_token_id, 5), rel=1e-3)


def test_the_mean_of_the_token_losses_is_transformers_loss() -> None:
    """Of the labels alone, whether rows end together or begin together."""
    model = gpt()
    wanted = model(**scored_batch(alone(*ROWS[:5]), WORDS.eos_token_id, left=False)).loss.item()
    for left in (False, True):
        found = token_losses(model, scored_batch(alone(*ROWS[:5]), WORDS.eos_token_id, left=left))
        assert len(found) == sum(len(row.reply) for row in ROWS[:5])
        assert found.mean().item() == pytest.approx(wanted, rel=1e-5)


def test_the_output_layer_sees_reply_tokens_alone() -> None:
    model, seen = gpt(), []
    model.lm_head.register_forward_hook(lambda _layer, _inputs, output: seen.append(tuple(output.shape[:-1])))
    batch = scored_batch(alone(*ROWS[:5]), WORDS.eos_token_id, left=True)
    token_losses(model, batch)
    model(**batch)  # and is afterwards as it was
    assert seen == [(sum(len(row.reply) for row in ROWS[:5]),), tuple(batch["input_ids"].shape)]


@pytest.mark.parametrize("divided", [False, True])
def test_out_of_memory_halves_the_batch_but_not_where_other_processes_wait(
    divided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes, real = gpt(), [], losses.token_losses
    wanted = reply_nats(model, ROWS, WORDS.eos_token_id, 8)
    if divided:
        model.__class__ = type("Divided", (FSDPModule, type(model)), {})  # as `fully_shard` does

    def scarce(model: Any, batch: Any) -> torch.Tensor:
        sizes.append(len(batch["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError
        return real(model, batch)

    monkeypatch.setattr(losses, "token_losses", scarce)
    if divided:
        with pytest.raises(AttuneError, match="held-out loss is measured; with fsdp, lower max_length or"):
            reply_nats(model, ROWS, WORDS.eos_token_id, 8)
        assert len(sizes) == 1
    else:
        assert reply_nats(model, ROWS, WORDS.eos_token_id, 8) == pytest.approx(wanted, rel=1e-5)
        assert sizes[:2] == [8, 4]
