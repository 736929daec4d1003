from pathlib import Path

import pytest
import torch

from attune.cobert.interpolation import SHARES, encoder_weights, interpolate
from attune.cobert.model import Cobert
from attune.cobert.storage import load, save
from tests.cobert.test_training import learned
from tests.cobert.tiny import cobert


def moved(folder: Path) -> tuple[Cobert, dict[str, torch.Tensor]]:
    """A model whose encoder has moved away from the weights that are returned by 1 everywhere."""
    model, _ = cobert(folder, frozen_layers=1)
    before = encoder_weights(model)
    with torch.no_grad():
        for weights in model.encoder.parameters():
            if weights.requires_grad:
                weights.add_(1.0)
    return model, before


def distance(model: Cobert, before: dict[str, torch.Tensor]) -> float:
    """How far every weight that trains is from `before`, where all of them are equally far."""
    far = torch.cat([(weights - before[name]).flatten() for name, weights in encoder_weights(model).items()])
    assert far.max() - far.min() < 1e-5
    return round(far.mean().item(), 5)


@pytest.mark.parametrize("best", [*SHARES, 1.0])
def test_the_share_that_ranks_best_is_kept(tmp_path: Path, best: float) -> None:
    model, before = moved(tmp_path)
    frozen = {name: weights.clone() for name, weights in model.state_dict().items() if name[8:] not in before}
    kept, score = interpolate(model, before, -abs(1 - best), lambda: -abs(distance(model, before) - best))
    assert score == pytest.approx(0, abs=1e-5)
    assert kept == best == pytest.approx(distance(model, before), abs=1e-5)
    assert frozen
    assert all(torch.equal(weights, model.state_dict()[name]) for name, weights in frozen.items())


def test_of_equal_scores_the_larger_share_counts(tmp_path: Path) -> None:
    model, before = moved(tmp_path)
    assert interpolate(model, before, 0.5, lambda: 0.5) == (1.0, 0.5)


def test_the_weights_that_came_out_are_as_a_share_of_the_change(tmp_path: Path) -> None:
    """A rate that destroys the model: validation takes most of the change back, and the saved model says how much."""
    whole, curve = learned(tmp_path / "whole", lr=0.1)
    model, same_curve = learned(tmp_path / "part", lr=0.1, interpolate=True)
    assert curve == same_curve
    untrained, _ = cobert(tmp_path / "part" / "encoder", score_scale=0.05, frozen_layers=1)
    share, start, end = model.config.trained_share, encoder_weights(untrained), encoder_weights(whole)
    assert share < 1
    for name, weights in encoder_weights(model).items():
        torch.testing.assert_close(weights, torch.lerp(start[name].to(weights.device), end[name], share))
    save(model, tmp_path / "saved")
    assert load(tmp_path / "saved", tmp_path / "part" / "encoder").config.trained_share == share
