import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from attune.cobert import gradient_cache
from attune.cobert.examples import examples
from attune.cobert.inputs import pad
from attune.cobert.matchers import MATCHERS
from attune.cobert.model import Cobert
from attune.cobert.training import CobertTrainer
from attune.core.errors import AttuneError
from attune.training.trainer import arguments
from tests.cobert.test_training import RECIPE, learned
from tests.cobert.tiny import cobert, rows


def batch(inputs: Any, personas: bool = True) -> dict[str, Any]:
    parts = examples(rows(7), inputs)
    replies = [each.response for each in parts] + [inputs.response("so sad !"), inputs.response("we won ?")]
    return {
        "context": pad([each.context for each in parts]),
        "persona": pad([each.persona if personas or place else inputs.persona([]) for place, each in enumerate(parts)]),
        "response": pad(replies),
        "same": torch.tensor([[one.response == other for other in replies] for one in parts]),
    }


def gradients(model: Cobert) -> list[torch.Tensor]:
    return [each.grad for each in model.parameters() if each.grad is not None]


@pytest.mark.parametrize("matching", MATCHERS)
@pytest.mark.parametrize("micro_batch", [1, 3, 100])
def test_gradients_are_those_of_the_whole_batch(tmp_path: Path, matching: str, micro_batch: int) -> None:
    model, inputs = cobert(tmp_path, matching=matching, score_scale=0.1)
    model = model.double().eval()
    given = batch(inputs, personas=False)
    whole = model(**given)["loss"] * 0.5
    whole.backward()
    expected = copy.deepcopy(gradients(model))
    model.zero_grad()
    loss = gradient_cache.step(model, given, micro_batch, 0.5)
    assert loss.item() == pytest.approx(whole.item(), abs=1e-10)
    found = gradients(model)
    assert len(found) == len(expected) > 10
    assert max(each.abs().max() for each in expected) > 1e-3
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("matching", "scale"), [("co_attention", 0.1), ("cross_encoder", 10.0)])
def test_both_passes_drop_out_alike(tmp_path: Path, matching: str, scale: float) -> None:
    """With dropout the gradient must belong to the loss that was reported: checked by a step along it."""
    model, inputs = cobert(tmp_path, matching=matching, score_scale=scale, dropout=0.3)
    model = model.double().train()
    given = batch(inputs)

    def loss() -> torch.Tensor:
        torch.manual_seed(5)
        model.zero_grad()
        return gradient_cache.step(model, given, 3, 1.0)

    before, found = loss(), None
    found = copy.deepcopy(gradients(model))
    size = 1e-6
    with torch.no_grad():
        learned_ = [each for each in model.parameters() if each.grad is not None]
        for parameter, gradient in zip(learned_, found, strict=True):
            parameter -= size * gradient
    steepness = sum((each**2).sum() for each in found)
    assert ((before - loss()) / size).item() == pytest.approx(steepness.item(), rel=1e-3)


def test_what_is_kept_for_the_backward_pass_does_not_grow_with_the_batch(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, score_scale=0.1)

    def largest(count: int, micro_batch: int) -> int:
        """Most rows that go through the encoder at once while a graph is built."""
        seen, encode = [], Cobert.encode

        def watching(self: Cobert, given: dict[str, torch.Tensor]) -> Any:
            if torch.is_grad_enabled():
                seen.append(len(given["attention_mask"]))
            return encode(self, given)

        parts = examples(rows(count), inputs)
        given = {name: pad([getattr(each, name) for each in parts]) for name in ("context", "persona", "response")}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Cobert, "encode", watching)
            gradient_cache.step(model, given | {"same": torch.eye(count, dtype=torch.bool)}, micro_batch, 1.0)
        return max(seen)

    assert largest(4, 2) == largest(16, 2) == 2


def test_training_in_micro_batches_learns_the_same(tmp_path: Path) -> None:
    _, whole = learned(tmp_path / "whole", count=16, epochs=2, lr=1e-2, dropout=0.0)
    _, parts = learned(tmp_path / "parts", count=16, epochs=2, lr=1e-2, dropout=0.0, micro_batch=3)
    assert parts[-1]["valid_loss"] < parts[0]["valid_loss"]
    assert parts[0] == whole[0]
    for one, other in zip(parts[1:], whole[1:], strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_micro_batches_run_the_encoder_in_bf16_where_the_trainer_does(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path / "encoder", score_scale=0.1, dropout=0.0)
    parts = examples(rows(6), inputs)
    settings = arguments(tmp_path / "run", 1, bf16=True, remove_unused_columns=False)
    seen, encode = [], Cobert.encode

    def watching(self: Cobert, given: dict[str, torch.Tensor]) -> Any:
        seen.append(torch.is_autocast_enabled("cpu"))
        return encode(self, given)

    losses = []
    for micro_batch in (None, 2):
        trainer = CobertTrainer(model, parts, parts, RECIPE | {"micro_batch": micro_batch}, args=settings)
        trainer.current_gradient_accumulation_steps = 1
        wrapped = trainer.accelerator.prepare_model(model)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Cobert, "encode", watching)
            losses.append(trainer.training_step(wrapped, trainer._collate(parts)).item())
    assert all(seen)
    assert len(seen) > 7
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


class Memory:
    """A device that holds at most `rows` sequences' activations: what a GPU does when more are asked for."""

    def __init__(self, rows: int) -> None:
        self.rows, self.encode = rows, Cobert.encode

    def __call__(self, model: Cobert, given: dict[str, torch.Tensor]) -> Any:
        if torch.is_grad_enabled() and len(given["attention_mask"]) > self.rows:
            raise torch.OutOfMemoryError("out of memory")
        return self.encode(model, given)


def test_an_update_adds_up_its_batches_also_where_one_runs_out_of_memory_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of two counts half. The second runs out once the gradients of some of its micro-batches are known."""
    model, inputs = cobert(tmp_path / "encoder", score_scale=0.1, dropout=0.0)
    model, parts = model.double(), examples(rows(12), inputs)
    trainer = CobertTrainer(model, parts, parts, RECIPE | {"micro_batch": 4}, args=arguments(tmp_path / "run", 1))
    trainer.current_gradient_accumulation_steps = 2
    halves = [trainer._prepare_inputs(trainer._collate(each)) for each in (parts[:6], parts[6:])]
    sum(model(**each)["loss"] / 2 for each in halves).backward()
    expected = copy.deepcopy(gradients(model))
    model.zero_grad()
    trainer.training_step(model, halves[0])
    calls, encode = [], Cobert.encode

    def once(self: Cobert, given: dict[str, torch.Tensor]) -> Any:
        calls.append(torch.is_grad_enabled())
        if sum(calls) == 3 and calls[-1]:
            raise torch.OutOfMemoryError
        return encode(self, given)

    monkeypatch.setattr(Cobert, "encode", once)
    trainer.training_step(model, halves[1])
    assert trainer.micro_batch == 2
    for one, other in zip(gradients(model), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.fault("out of memory in CoBERT's training", "it continues with smaller micro-batches")
def test_out_of_memory_halves_the_micro_batch_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, accumulation: int
) -> None:
    recipe = {"count": 16, "epochs": 2, "dropout": 0.0, "accumulation": accumulation}
    _, expected = learned(tmp_path / "expected", micro_batch=2, **recipe)
    memory = Memory(3)
    monkeypatch.setattr(Cobert, "encode", lambda self, given: memory(self, given))
    _, found = learned(tmp_path / "found", **recipe)
    log = [line for line in capsys.readouterr().out.splitlines() if "out of GPU memory" in line]
    halved = [line.split("micro-batches of ")[1] for line in log]
    assert halved == ["4; the batch size stays 8", "2; the batch size stays 8"]
    for one, other in zip(found, expected, strict=True):
        assert one["valid_loss"] == pytest.approx(other["valid_loss"], rel=1e-4)


@pytest.mark.fault("one sequence too large for the memory", "what helps is said")
def test_a_single_sequence_that_does_not_fit_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(0)
    monkeypatch.setattr(Cobert, "encode", lambda self, given: memory(self, given))
    with pytest.raises(AttuneError, match="a single sequence does not fit into the GPU's memory; lower max_length"):
        learned(tmp_path)


def test_further_negatives_are_drawn_by_the_batch_and_never_count_twice(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    parts = examples(rows(24), inputs)
    recipe = RECIPE | {"extra_negatives": 5}
    trainer = CobertTrainer(model, parts, parts[:4], recipe, args=arguments(tmp_path / "run", 1))
    first, again, other = (trainer._collate(each) for each in (parts[:8], parts[:8], parts[8:16]))
    assert first["same"].shape == (8, 13)
    assert torch.equal(first["response"]["input_ids"], again["response"]["input_ids"])
    assert not torch.equal(first["response"]["input_ids"][8:], other["response"]["input_ids"][8:])
    reseeded, every = (
        CobertTrainer(model, parts, parts[:4], recipe | each, args=arguments(tmp_path / "run", 1))._collate(parts[:8])
        for each in ({"seed": 2}, {"extra_negatives": 100})
    )
    assert not torch.equal(first["response"]["input_ids"][8:], reseeded["response"]["input_ids"][8:])
    assert every["same"].shape == (8, 8 + 16)  # all that there are
    ids = first["response"]["input_ids"]
    for row in range(8):
        expected = [torch.equal(ids[row], ids[column]) for column in range(13)]
        assert first["same"][row].tolist() == expected
