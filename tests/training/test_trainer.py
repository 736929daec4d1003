"""What a training says while it runs."""

from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from attune.training import trainer
from attune.training.trainer import Follow


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
