"""Extra negatives out of the last batches: what is remembered, and the loss and gradients with it, by hand."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import log_softmax

from attune.cobert.cross_batch_memory import CrossBatchMemory
from attune.cobert.examples import Example, examples
from attune.cobert.inputs import Inputs
from attune.cobert.matchers import Side
from attune.cobert.model import Cobert
from attune.cobert.scoring import stack
from attune.cobert.training import CobertTrainer
from attune.training.trainer import arguments
from tests.cobert.test_training import RECIPE, learned
from tests.cobert.tiny import cobert, rows


def remembering(
    folder: Path, parts: list[Example], model: Cobert, size: int, micro_batch: int | None = None
) -> CobertTrainer:
    recipe = RECIPE | {"cross_batch_memory": True, "extra_negatives": size, "micro_batch": micro_batch}
    trainer = CobertTrainer(model, parts, parts, recipe, args=arguments(folder / "run", 1))
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def varied(inputs: Inputs) -> list[Example]:
    """Examples with 16 replies, the first of which comes again in the second batch of five."""
    parts = examples(rows(16), inputs)
    return [*parts[:6], parts[0], *parts[6:]]


def side(lengths: list[int]) -> Side:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    states = torch.rand(*mask.shape, 2) * mask[..., None]
    return Side(states.requires_grad_(), mask, torch.where(mask, 0, -1))


def test_it_keeps_the_newest_replies_without_gradient_and_cuts_them_to_the_longest() -> None:
    memory = CrossBatchMemory(3)
    first, second = side([2, 5]), side([3, 1])
    same = torch.eye(2, dtype=torch.bool)
    assert memory.beside(first, torch.tensor([7, 8]), same) == (first, same)
    memory.add(first, torch.tensor([7, 8]))
    found, known = memory.beside(second, torch.tensor([8, 9]), same)
    assert found.mask.sum(1).tolist() == [3, 1, 2, 5]
    assert (found.parts == -1).tolist() == (~found.mask).tolist()
    assert known.tolist() == [[True, False, False, True], [False, True, False, False]]
    memory.add(second, torch.tensor([8, 9]))
    memory.add(side([2]), torch.tensor([4]))
    assert memory.ids.tolist() == [8, 9, 4]
    assert memory.replies is not None
    assert memory.replies.mask.tolist() == [[True] * 3, [True, False, False], [True, True, False]]
    assert torch.equal(memory.replies.states[0], second.states[0])
    assert not memory.replies.states.requires_grad


@pytest.mark.parametrize("micro_batch", [None, 2])
def test_loss_and_gradients_are_those_of_the_batch_beside_the_last_one(tmp_path: Path, micro_batch: int | None) -> None:
    model, inputs = cobert(tmp_path / "encoder", score_scale=0.1, dropout=0.0)
    model, parts = model.double(), varied(inputs)
    trainer = remembering(tmp_path, parts, model, 5, micro_batch)
    trainer.training_step(model, trainer._collate(parts[:5]))
    model.zero_grad()
    loss = trainer.training_step(model, trainer._collate(parts[5:10])).item()
    found = copy.deepcopy([each.grad for each in model.parameters()])

    expected = by_hand(model, parts[5:10], [each.response for each in parts[:5]])
    model.zero_grad()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-9)
    for one, other in zip(found, (each.grad for each in model.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-10)


def by_hand(model: Cobert, batch: list[Example], before: list[Any]) -> torch.Tensor:
    """The mean cross-entropy among the batch's replies and those before, to which no gradient flows."""
    contexts, personas, replies = (
        encoded(model, [getattr(each, name) for each in batch]) for name in ("context", "persona", "response")
    )
    with torch.no_grad():
        old = encoded(model, before)
    scores = torch.cat([model.score(contexts, personas, replies), model.score(contexts, personas, old)], 1)
    candidates = [*(each.response for each in batch), *before]
    losses = []
    for row, example in enumerate(batch):
        kept = [at for at, each in enumerate(candidates) if at == row or each != example.response]
        losses.append(-log_softmax(scores[row, kept], 0)[kept.index(row)])
    return torch.stack(losses).mean()


def encoded(model: Cobert, sequences: list[Any]) -> Any:
    return model.encode({name: values.to(model.device) for name, values in stack(sequences, None).items()})


def test_a_reply_that_was_right_in_the_last_batch_is_no_negative_now(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path / "encoder", dropout=0.0)
    parts = varied(inputs)
    trainer = remembering(tmp_path, parts, model, 8)
    trainer.training_step(model, trainer._collate(parts[:5]))
    batch = trainer._prepare_inputs(trainer._collate(parts[5:10]))
    assert trainer.memory is not None
    assert trainer.memory.replies is not None
    _, same = trainer.memory.beside(trainer.memory.replies, batch["reply_ids"], batch["same"])
    assert same.nonzero().tolist() == [[0, 0], [1, 1], [1, 5], [2, 2], [3, 3], [4, 4]]


def test_training_with_it_learns_and_encodes_no_further_replies(tmp_path: Path) -> None:
    _, plain = learned(tmp_path / "plain", epochs=2)
    _, found = learned(tmp_path / "found", epochs=2, cross_batch_memory=True, extra_negatives=8)
    assert found[0] == plain[0]
    assert found[-1]["valid_loss"] < found[0]["valid_loss"]
    assert found[1]["train_loss"] > plain[1]["train_loss"]  # among more candidates
