from pathlib import Path

import pytest
import torch

from attune.cobert.interpolation import interpolate, trainable_weights
from attune.cobert.model import Cobert
from attune.cobert.storage import load, save
from tests.cobert.test_training import learned
from tests.cobert.tiny import cobert


def moved(folder: Path) -> tuple[Cobert, dict[str, torch.Tensor]]:
    """A model whose weights, a matcher's among them, have moved away from those that are returned by 1 everywhere."""
    model, _ = cobert(folder, frozen_layers=1, matching="joint")
    before = trainable_weights(model)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.requires_grad:
                weights.add_(1.0)
    return model, before


def distance(model: Cobert, before: dict[str, torch.Tensor], part: str = "encoder.") -> float:
    """How far every weight of `part` that trains is from `before`, where all of them are equally far."""
    weights = {name: each for name, each in trainable_weights(model).items() if name.startswith(part)}
    far = torch.cat([(each - before[name]).flatten() for name, each in weights.items()])
    assert far.max() - far.min() < 1e-5
    return round(far.mean().item(), 5)


@pytest.mark.parametrize("best", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_share_that_ranks_best_is_kept(tmp_path: Path, best: float) -> None:
    model, before = moved(tmp_path)
    frozen = {name: weights.clone() for name, weights in model.state_dict().items() if name not in before}
    kept, score = interpolate(model, before, -2.0, -abs(1 - best), lambda: -abs(distance(model, before) - best))
    assert score == pytest.approx(0, abs=1e-5)
    assert kept == best == pytest.approx(distance(model, before), abs=1e-5)
    assert distance(model, before, "matcher.") == 1
    assert frozen
    assert all(torch.equal(weights, model.state_dict()[name]) for name, weights in frozen.items())


def test_of_equal_scores_the_larger_share_counts(tmp_path: Path) -> None:
    model, before = moved(tmp_path)
    assert interpolate(model, before, 0.4, 0.5, lambda: 0.5) == (1.0, 0.5)


@pytest.mark.parametrize("untrained", [0.5, 0.6])
def test_nothing_is_kept_where_the_untrained_model_ranks_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], untrained: float
) -> None:
    model, before = moved(tmp_path)
    assert interpolate(model, before, untrained, 0.5, lambda: 0.5) == (None, untrained)
    assert all(torch.equal(weights, before[name]) for name, weights in trainable_weights(model).items())
    assert capsys.readouterr().out.endswith("; kept the untrained model\n")


def test_a_rate_that_destroys_the_model_leaves_the_untrained_one(tmp_path: Path) -> None:
    model, curve = learned(tmp_path, layers=3, lr=0.5, interpolate=True)
    assert all(row["valid_mrr"] < curve[0]["valid_mrr"] for row in curve[1:])
    untrained, _ = cobert(tmp_path / "encoder", score_scale=0.05, frozen_layers=1)
    save(model, tmp_path / "saved")
    saved = load(tmp_path / "saved", tmp_path / "encoder")
    assert saved.config.trained_share is None
    assert all(torch.equal(each, saved.state_dict()[name]) for name, each in untrained.state_dict().items())


def test_the_weights_that_came_out_are_as_a_share_of_the_change(tmp_path: Path) -> None:
    """A rate that destroys the model: validation takes most of the change back, and the saved model says how much."""
    whole, curve = learned(tmp_path / "whole", layers=3, lr=0.1)
    model, same_curve = learned(tmp_path / "part", layers=3, lr=0.1, interpolate=True)
    assert curve == same_curve
    untrained, _ = cobert(tmp_path / "part" / "encoder", score_scale=0.05, frozen_layers=1)
    share, start, end = model.config.trained_share, trainable_weights(untrained), trainable_weights(whole)
    assert share < 1
    for name, weights in trainable_weights(model).items():
        torch.testing.assert_close(weights, torch.lerp(start[name].to(weights.device), end[name], share))
    save(model, tmp_path / "saved")
    assert load(tmp_path / "saved", tmp_path / "part" / "encoder").config.trained_share == share
