"""Batches and trainings that several processes share, against the same in one process."""

import copy
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attune.cobert import shared_batch, training
from attune.cobert.cross_batch_memory import CrossBatchMemory
from attune.cobert.examples import Example, examples
from attune.cobert.matchers import MATCHERS
from attune.cobert.model import Cobert, inputs_for
from attune.cobert.training import CobertTrainer
from attune.core.determinism import pin
from attune.core.files import read_json, write_json
from attune.training.distributed import sum_gradients, total
from attune.training.launcher import is_writer, rank
from attune.training.trainer import arguments
from tests.cobert.test_gradient_cache import Memory, gradients
from tests.cobert.test_training import RECIPE
from tests.cobert.tiny import cobert, encoder, rows
from tests.training.interruption import BreaksOff, Stop
from tests.training.processes import in_processes

HERE = "tests.cobert.test_shared_batch"
# Examples of a batch, and micro-batches; two processes cannot share 5 evenly, and with 1 one of them has none.
SIZES: tuple[tuple[int, int | None], ...] = ((6, None), (5, None), (5, 2), (1, None), (1, 1))
# Of the trainings' encoder: a frozen one and one that is trained.
LAYERS = {"num_hidden_layers": 2}


def compare_gradients(folder: Path) -> None:
    """In each process: the summed loss and gradients beside those of the model itself on the whole batch."""
    for matching in MATCHERS:
        pin(1, 1)
        model = Cobert.from_encoder(folder, matching=matching, score_scale=0.1).double().eval()
        inputs = inputs_for(model, folder)
        parts = examples(rows(6), inputs)  # some replies of which are the same
        extra = [inputs.response("so sad !"), parts[0].response, inputs.response("we won ?")]
        for size, micro_batch in SIZES:
            batch = parts[:size]
            whole = expected_gradients(model, batch, extra)
            assert max(each.abs().max() for each in whole[1]) > 1e-5
            model.zero_grad()
            given = shared_batch.collate(batch, [*(each.response for each in batch), *extra], None)
            loss = total(shared_batch.step(model, given, micro_batch, 0.5))
            sum_gradients(model.parameters())
            assert loss.item() == pytest.approx(whole[0], rel=1e-10)
            for one, other in zip(gradients(model), whole[1], strict=True):
                torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-10)
    print("compared")


def expected_gradients(model: Cobert, batch: list[Example], extra: list[Any]) -> tuple[float, list[torch.Tensor]]:
    replies = [*(each.response for each in batch), *extra]
    model.zero_grad()
    loss = (
        model(
            training.stack([each.context for each in batch], None),
            training.stack([each.persona for each in batch], None),
            training.stack(replies, None),
            torch.tensor([[each.response == other for other in replies] for each in batch]),
        )["loss"]
        * 0.5
    )
    loss.backward()
    # Where only some parameters have a gradient, the others' is 0, as after a sum over processes.
    for each in model.parameters():
        each.grad = torch.zeros_like(each) if each.grad is None else each.grad
    return loss.item(), copy.deepcopy(gradients(model))


def test_two_processes_give_the_loss_and_gradients_of_one(tmp_path: Path) -> None:
    printed = in_processes(2, f"{HERE}:compare_gradients", encoder(tmp_path, num_hidden_layers=1))
    assert printed[0] == "compared\n"


def learn(folder: Path, runs: dict[str, dict[str, Any]], at: int | None = None, memory: int | None = None) -> None:
    """Train once for each entry of `runs` (changes of RECIPE), and write FOLDER/NAME.json and .safetensors.

    The training breaks off after update `at`. memory: the sequences that fit into the last process's.
    """
    patch = pytest.MonkeyPatch()
    if at is not None:
        BreaksOff(patch, training, at)
    if memory is not None and rank():
        limited = Memory(memory)
        patch.setattr(Cobert, "encode", lambda self, given: limited(self, given))
    for name, changes in runs.items():
        pin(1, 1)
        changes = dict(changes)
        shape = {"frozen_layers": 1, "score_scale": 0.05, "dropout": changes.pop("dropout", 0.0)}
        model = Cobert.from_encoder(folder / "encoder", **shape)
        inputs = inputs_for(model, folder / "encoder")
        (folder / name).mkdir(exist_ok=True)
        parts = {"train": rows(22), "valid": rows(7)}
        try:
            curve, _ = training.train(model, parts, inputs, RECIPE | {"epochs": 2} | changes, folder / name)
        except Stop:
            continue
        if is_writer():
            write_json(folder / f"{name}.json", curve)
            save_file(model.state_dict(), folder / f"{name}.safetensors")


def learn_whole_and_broken(folder: Path, runs: dict[str, dict[str, Any]]) -> None:
    """The same trainings twice, those in FOLDER/broken only up to update 4."""
    learn(folder / "whole", runs)
    learn(folder / "broken", runs, at=4)


RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulated": {"accumulation": 2, "extra_negatives": 3},
    "cached": {"micro_batch": 2},
    "remembered": {"cross_batch_memory": True, "extra_negatives": 5},
}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process learns in each of RUNS."""
    folder = tmp_path_factory.mktemp("one")
    encoder(folder / "encoder", **LAYERS)
    learn(folder, RUNS)
    return folder


def test_two_processes_learn_what_one_learns(one: Path, tmp_path: Path) -> None:
    """22 examples in batches of 8: the last batch is of 6."""
    encoder(tmp_path / "encoder", **LAYERS)
    in_processes(2, f"{HERE}:learn", tmp_path, runs=RUNS)
    for name in RUNS:
        assert_alike(one / name, tmp_path / name)
        assert not list((tmp_path / name).glob("*/rng_state.pth"))


def assert_alike(one: Path, other: Path) -> None:
    curves = [read_json(path.with_suffix(".json")) for path in (one, other)]
    assert len(curves[0]) == 3
    assert curves[0][-1]["valid_loss"] < curves[0][0]["valid_loss"]
    for left, right in zip(*curves, strict=True):
        assert [value or 0 for value in left.values()] == pytest.approx(
            [value or 0 for value in right.values()], rel=1e-5
        )
    weights = [load_file(path.with_suffix(".safetensors")) for path in (one, other)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=2e-5)


@pytest.mark.slow
def test_an_interrupted_training_resumes_in_two_processes_and_in_one(tmp_path: Path) -> None:
    whole, broken, one = (tmp_path / name for name in ("whole", "broken", "one"))
    for folder in (whole, broken):
        encoder(folder / "encoder", **LAYERS)
    runs = {"plain": {}, "dropped": {"dropout": 0.2, "cross_batch_memory": True, "extra_negatives": 5}}
    in_processes(2, f"{HERE}:learn_whole_and_broken", tmp_path, runs=runs)
    assert not (broken / "plain.json").exists()
    shutil.copytree(broken, one)
    in_processes(2, f"{HERE}:learn", broken, runs=runs)
    for name in runs:
        for ending in (".json", ".safetensors"):
            assert (broken / name).with_suffix(ending).read_bytes() == (whole / name).with_suffix(ending).read_bytes()
    learn(one, {"plain": {}})
    assert_alike(one / "plain", whole / "plain")


def test_memory_that_one_process_lacks_makes_all_take_smaller_micro_batches(one: Path, tmp_path: Path) -> None:
    encoder(tmp_path / "encoder", **LAYERS)
    printed = in_processes(2, f"{HERE}:learn", tmp_path, runs={"plain": {}}, memory=1)
    halved = [line.split("micro-batches of ")[1] for line in printed[0].splitlines() if "out of GPU memory" in line]
    assert halved == ["2; the batch size stays 8", "1; the batch size stays 8"]
    assert "out of GPU memory" not in printed[1]
    assert_alike(one / "plain", tmp_path / "plain")


# Around what processes wait for each other in: what takes memory there.
PLACES = {
    "inputs": (CobertTrainer, "_prepare_inputs"),
    "gather and share_of_sum": (torch.Tensor, "new_zeros"),
    "candidates": (CrossBatchMemory, "beside"),
    "remembering": (CrossBatchMemory, "with_added"),
}
MARK = "In the place:"


def learn_short_of_memory(folder: Path, places: list[str]) -> None:
    """As `learn` with a memory, once for each place, into FOLDER/PLACE.

    The last process once runs out of memory there, at the second of its calls.
    """
    for place in places:
        print(MARK, place)
        owner, name = PLACES[place]
        with pytest.MonkeyPatch.context() as patch:
            if rank():
                patch.setattr(owner, name, limited(getattr(owner, name)))
            learn(folder / place, {"remembered": RUNS["remembered"]})


def limited(given: Callable[..., Any]) -> Callable[..., Any]:
    """What does as `given`, except for its second call."""
    calls = count(1)

    def call(*words: Any, **named: Any) -> Any:
        if next(calls) == 2:
            raise torch.OutOfMemoryError
        return given(*words, **named)

    return call


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of what `learn_short_of_memory` has written, and what the first process printed in each place."""
    folder = tmp_path_factory.mktemp("short")
    for place in PLACES:
        encoder(folder / place / "encoder", **LAYERS)
    first, _ = in_processes(2, f"{HERE}:learn_short_of_memory", folder, places=[*PLACES])
    return folder, dict(zip(PLACES, first.split(MARK)[1:], strict=True))


@pytest.mark.parametrize("place", PLACES)
def test_wherever_one_process_lacks_memory_none_waits_and_the_step_is_repeated(
    one: Path, short: tuple[Path, dict[str, str]], place: str
) -> None:
    folder, printed = short
    assert printed[place].count("continuing with micro-batches of 2; the batch size stays 8") == 1
    assert_alike(one / "remembered", folder / place / "remembered")


def test_a_batch_that_no_process_shares_is_collated_as_before(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    parts = examples(rows(4), inputs)
    trainer = CobertTrainer(model, parts, parts, RECIPE, args=arguments(tmp_path / "run", 1))
    assert set(trainer._collate(parts)) == {"context", "persona", "response", "same"}
