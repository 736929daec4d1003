from pathlib import Path

from attune.generators.learning_curve import curve_rows, write_curve


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
        "step,epoch,train_loss,valid_loss\n0,0.0,,3.0\n2,0.5,2.1235,2.0\n3,0.75,1.5,\n"
    )
