import math
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from attune.core.errors import AttuneError
from attune.generators.best_weights import BestWeights
from attune.generators.learning_curve import MeasureHeldOut, curve_rows, summary, write_curve


def test_losses_of_one_step_share_a_row_and_the_rest_is_blank(tmp_path: Path) -> None:
    history = [
        {"step": 0, "epoch": 0.0, "valid_loss": 3.0},
        {"step": 2, "epoch": 0.5, "valid_loss": 2.0},
        {"step": 2, "epoch": 0.5, "loss": 2.12345, "learning_rate": 0.1},
        {"step": 3, "epoch": 0.75, "loss": 1.5},
        {"step": 3, "epoch": 0.75, "train_loss": 1.9, "train_runtime": 7.0},
    ]
    write_curve(tmp_path / "curve.csv", curve_rows(history))
    assert (tmp_path / "curve.csv").read_text() == (
        "step,epoch,train_loss,valid_loss,saved\n0,0.0,,3.0,\n2,0.5,2.1235,2.0,1\n3,0.75,1.5,,\n"
    )


def test_a_curve_in_a_few_words_is_what_was_gained() -> None:
    losses = "nats per reply token of held-out conversations:"
    for measured, words in (
        ([3.0], "3.0 untrained"),
        ([3.0, 2.0, 2.5], "3.0 untrained, 2.0 after step 1, whose weights are saved"),
        ([3.0, 3.0], "3.0 untrained, and no lower by training: the weights saved are the untrained ones"),
    ):
        history = [{"step": step, "epoch": 0.0, "valid_loss": loss} for step, loss in enumerate(measured)]
        assert summary(curve_rows(history)) == f"{losses} {words}"


@pytest.mark.parametrize(
    ("step", "cause"), [(0, "the base's weights or its precision"), (4, "lower the learning rate")]
)
def test_a_loss_that_is_no_number_before_training_is_the_base_s(step: int, cause: str, tmp_path: Path) -> None:
    best = BestWeights(tmp_path)
    measured = MeasureHeldOut(lambda _model: math.nan, every=2, best=best, patience=None)
    arguments, state = TrainingArguments(str(tmp_path)), TrainerState(global_step=step)
    begins_or_goes_on = measured.on_step_end if step else measured.on_train_begin
    with pytest.raises(AttuneError, match=rf"after step {step} is nan; {cause}"):
        begins_or_goes_on(arguments, state, TrainerControl(), model=None)
