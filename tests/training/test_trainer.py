"""What a training says while it runs, and how one that ran out of memory goes on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor
from transformers import TrainerControl, TrainerState, TrainingArguments

from attune.generators.batches import scored_batch
from attune.generators.encoded import Encoded
from attune.generators.length_sampler import GroupingTrainer
from attune.training import trainer
from attune.training.precision import uses_bf16
from attune.training.trainer import Follow, arguments, duration
from tests.generators.tiny import alone, gpt


def test_what_is_left_is_told_by_the_steps_since_it_began(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resumed at step 100: ten steps in 20 s, so that the other 90 take 180 s; and 99 in 198 s leave 2 s."""
    times = iter([1000.0, 1020.0, 1198.0])
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: next(times)))  # other threads keep theirs
    state = TrainerState(global_step=100, max_steps=200, is_world_process_zero=True)
    follow = Follow(lambda _: None)
    settings, control = TrainingArguments(report_to=[]), TrainerControl()
    follow.on_train_begin(settings, state, control)
    for step in (110, 199, 200):
        state.global_step = step
        follow.on_log(settings, state, control)
    told = capsys.readouterr().out.splitlines()
    assert told == ["step 110 of 200, about 3 min left", "step 199 of 200, about 2 s left"]


def test_times_are_told_in_the_largest_unit_of_which_there_are_two() -> None:
    assert [duration(each) for each in (119, 120, 7199, 7200)] == ["119 s", "2 min", "120 min", "2 h"]


def test_what_decides_an_update_is_not_left_to_the_defaults_of_transformers(tmp_path: Path) -> None:
    found = arguments(tmp_path, 1)
    assert arguments(tmp_path, 7).seed == 7
    assert (found.max_grad_norm, found.weight_decay, found.optim) == (1.0, 0.0, "adamw_torch_fused")
    assert arguments(tmp_path, 1, max_grad_norm=0.5).max_grad_norm == 0.5


def weights(folder: Path, lacking: bool = False, micro_batch: int | None = None, resumed: bool = False) -> list[Tensor]:
    """Those after four updates with dropout, of which the second is saved.

    lacking: the first forward pass runs out of memory, once its dropout was drawn.
    """
    model = gpt()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3

    def limited(*_: Any) -> None:
        nonlocal lacking
        if lacking:
            lacking = False
            raise torch.OutOfMemoryError

    model.register_forward_hook(limited)
    settings = {"max_steps": 4, "save_steps": 2, "per_device_train_batch_size": 4, "learning_rate": 1e-2}
    training = GroupingTrainer(
        model=model,
        args=arguments(folder, 1, lr_scheduler_type="constant", remove_unused_columns=False, **settings),
        train_dataset=Dataset.from_list([{"length": 4, "token": token} for token in range(16)]),
        data_collator=lambda rows: scored_batch(
            alone(*(Encoded("", [1, 2], [row["token"], 3]) for row in rows)), 0, left=True
        ),
    )
    training.micro_batch = micro_batch
    training.train(resume_from_checkpoint=str(folder / "checkpoint-2") if resumed else None)
    return [each.detach() for each in model.parameters()]


@pytest.mark.fault("out of memory in a training that is then interrupted", "resumed to the same bits")
def test_a_training_that_ran_out_of_memory_resumes_to_the_same_bits(tmp_path: Path) -> None:
    """It is that which had smaller micro-batches from the start."""
    expected = weights(tmp_path / "steady", micro_batch=2)
    whole = weights(tmp_path / "run", lacking=True)
    resumed = weights(tmp_path / "run", resumed=True)
    for one, *others in zip(expected, whole, resumed, strict=True):
        assert all(torch.equal(one, other) for other in others)
    assert any(map(torch.any, map(torch.ne, expected, weights(tmp_path / "other"))))


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_that_only_emulates_bf16_is_not_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], native: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert uses_bf16(True) is native
    assert not uses_bf16(False)
    told = "" if native else "bf16: float32 instead, since this GPU would only emulate it\n"
    assert capsys.readouterr().out == told
