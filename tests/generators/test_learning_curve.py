from pathlib import Path

from attune.generators.learning_curve import curve_rows, summary, write_curve


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
