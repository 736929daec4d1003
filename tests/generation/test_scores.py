import math
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from attune.generation.adapters import tune_prompt
from attune.generation.encoding import Encoded, encode_all
from attune.generation.prompts import examples
from attune.generation.scores import ReplyLoss, reply_faults, reply_loss
from tests.generation.tiny import dialogue_rows, gpt, saved, tokenizer

WORDS = tokenizer()
ROWS = encode_all(examples(dialogue_rows()), WORDS, 64)


def nats_by_hand(model: torch.nn.Module, row: Encoded, before: torch.Tensor | None = None) -> float:
    """-log p of each reply token, one row, without padding; `before` are embeddings in front of it."""
    embeds = model.get_input_embeddings()(torch.tensor([row.prompt + row.reply]))
    if before is not None:
        embeds = torch.cat([before[None], embeds], 1)
    with torch.no_grad():
        logs = model(inputs_embeds=embeds).logits[0].log_softmax(-1)
    start = len(row.prompt) + (0 if before is None else len(before))
    return -sum(float(logs[start + at - 1, token]) for at, token in enumerate(row.reply))


def test_perplexity_is_the_exponential_of_the_mean() -> None:
    assert ReplyLoss(math.log(2) + math.log(8), 2).perplexity == pytest.approx(4)


def test_loss_is_the_one_worked_out_by_hand_whatever_the_batch() -> None:
    model = gpt()
    nats = sum(nats_by_hand(model, row) for row in ROWS)
    tokens = sum(len(row.reply) for row in ROWS)
    for pad, batch_size in ((WORDS.eos_token_id, 1), (WORDS.eos_token_id, 7), (3, 24)):
        loss = reply_loss(model, ROWS, pad, batch_size)
        assert loss.tokens == tokens
        assert loss.nats == pytest.approx(nats, rel=1e-5)


def test_virtual_tokens_are_read_but_not_scored(tmp_path: Path) -> None:
    folder = saved(gpt(), tmp_path)
    base = GPT2LMHeadModel.from_pretrained(folder).eval()
    tuned = tune_prompt(GPT2LMHeadModel.from_pretrained(folder), folder, virtual_tokens=4)
    virtual = tuned.get_prompt(1)[0].detach()
    nats = sum(nats_by_hand(base, row, virtual) for row in ROWS)
    loss = reply_loss(tuned, ROWS, WORDS.eos_token_id, 5)
    assert loss.nats == pytest.approx(nats, rel=1e-5)
    assert loss.tokens == sum(len(row.reply) for row in ROWS)
    assert loss.nats != pytest.approx(reply_loss(base, ROWS, WORDS.eos_token_id, 5).nats, rel=1e-3)


def test_faults_are_shares_of_the_replies() -> None:
    questions = ["I won!", "I lost.", "Hm.", "Hi."]
    assert reply_faults(questions, ["i won! Great", " ", "Yes.", "Why"], [False, False, False, True]) == {
        "replies_empty": 0.25,
        "replies_cut": 0.25,
        "replies_start_with_input": 0.25,
    }
