from pathlib import Path
from typing import Any

import pytest
import torch

from attune.generators import losses
from attune.generators.adapters import add_virtual_tokens
from attune.generators.batches import scored_batch
from attune.generators.encoded import IGNORED, Encoded, Joined, chains
from attune.generators.encoding import Room, encode_all
from attune.generators.frozen import lower_states_kept
from attune.generators.loading import load_base
from attune.generators.losses import reply_nats, token_losses
from attune.generators.prompts import examples
from tests.generators.test_losses import nats_by_hand
from tests.generators.tiny import CHAT, END, alone, dialogue_rows, gpt, llama, saved, tokenizer

PLAIN, CHATTING = tokenizer(), tokenizer()
# It ends a turn as it ends a reply; without a chat template, a line break stands in a prompt where a reply would end.
CHATTING.chat_template = CHAT.replace("\n", END)
PAD = PLAIN.eos_token_id


def rows_of(words: Any) -> tuple[list[Encoded], list[Joined]]:
    """The dialogues' rows, and those that continue one another together."""
    rows = encode_all(examples(dialogue_rows()), words, Room(64))
    return rows, [Joined.of(chain) for chain in chains(rows)]


formats = pytest.mark.parametrize("words", [PLAIN, CHATTING], ids=["plain", "chat template"])


def test_rows_are_chained_where_a_prompt_begins_as_the_prompt_and_reply_before_it() -> None:
    first, second = Encoded("a", [1, 2], [3, 9]), Encoded("b", [1, 2, 3, 4], [5, 9])
    branch, other = Encoded("c", [1, 2, 3, 7], [8]), Encoded("d", [1, 2, 4, 4], [5])
    assert chains([first, second]) == [[first, second]]
    assert chains([second, first]) == [[second], [first]]
    assert chains([first, first]) == [[first], [first]]
    assert chains([first, second, branch]) == [[first, second], [branch]]
    assert chains([first, other]) == [[first], [other]]
    assert chains([first, Encoded("e", [1, 2, 3], [5])]) == [[first], [Encoded("e", [1, 2, 3], [5])]]
    assert chains([]) == []
    joined = Joined.of([first, second])
    assert (joined.ids, joined.length) == ([1, 2, 3, 4, 5, 9], 6)
    assert joined.labels == [IGNORED, IGNORED, 3, 9, 5, 9]  # 9 ends the first reply, where 4 follows in the prompt
    assert Joined.of([first]).labels == [IGNORED, IGNORED, 3, 9]


@formats
def test_a_conversation_s_replies_are_chained(words: Any) -> None:
    rows, joined = rows_of(words)
    assert len(joined) == 12
    assert sum(row.length for row in joined) < 0.7 * sum(row.length for row in rows)


@formats
@pytest.mark.parametrize("left", [True, False])
def test_labels_are_those_of_every_reply_alone(words: Any, left: bool) -> None:
    rows, joined = rows_of(words)
    labels = scored_batch(joined[:3], 0, left=left)["labels"]
    assert labels[labels != IGNORED].tolist() == [token for row in rows[:6] for token in row.reply]


@formats
@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama])
def test_each_reply_has_the_loss_that_it_has_alone(make: Any, words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen, real = make(), [], losses.token_losses
    rows, joined = rows_of(words)
    wanted = [nats_by_hand(model, row) for row in rows]

    def watched(model: Any, batch: Any) -> torch.Tensor:
        seen.append(int(batch["attention_mask"].sum()))
        return real(model, batch)

    monkeypatch.setattr(losses, "token_losses", watched)
    for size in (1, 5, 24):
        assert reply_nats(model, rows, PAD, size) == pytest.approx(wanted, rel=1e-4)
    assert sum(seen) == 3 * sum(row.length for row in joined)
    mixed = [*rows[1:5], rows[0], *rows[20:]]  # some chains, some replies alone
    assert reply_nats(model, mixed, PAD, 3) == pytest.approx([*wanted[1:5], wanted[0], *wanted[20:]], rel=1e-4)


def test_virtual_tokens_stand_before_a_joined_row(tmp_path: Path) -> None:
    rows, _ = rows_of(CHATTING)
    folder = saved(gpt(), tmp_path)
    tuned = add_virtual_tokens(load_base(folder), folder, virtual_tokens=4)
    wanted = [nats for row in rows for nats in reply_nats(tuned, [row], PAD, 1)]
    assert reply_nats(tuned, rows, PAD, 5) == pytest.approx(wanted, rel=1e-4)


@formats
@pytest.mark.parametrize("frozen", [0, 1])
def test_joined_rows_have_the_gradient_of_their_replies(frozen: int, words: Any) -> None:
    """Of the sum over replies; the frozen layer's states are computed for the joined row."""
    model, gradients = llama(), []
    rows, joined = rows_of(words)
    for each in (alone(*rows[:6]), joined[:3]):
        model.zero_grad()
        with lower_states_kept(model, frozen):
            token_losses(model, scored_batch(each, PAD, left=True)).sum().backward()
        gradients.append(model.model.layers[1].mlp.up_proj.weight.grad.clone())
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)
    assert gradients[0].abs().max() > 0.01
