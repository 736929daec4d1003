"""Encoder weights between the untrained and the trained ones (WiSE-FT; Wortsman et al. 2022, section 3).

Where training teaches little, it makes an encoder forget; validation decides how much of the change is kept.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attune.cobert.model import Cobert

# Shares of the way that are tried beside the whole of it.
SHARES = (0.0, 0.25, 0.5, 0.75)


def encoder_weights(model: Cobert) -> dict[str, Tensor]:
    """Copies of the encoder's weights that training may change, by name."""
    trained = model.encoder.named_parameters()
    return {name: weights.detach().clone() for name, weights in trained if weights.requires_grad}


def interpolate(
    model: Cobert, before: dict[str, Tensor], reached: float, score: Callable[[], float]
) -> tuple[float, float]:
    """Put the encoder's weights where `score` is highest on the way from `before` to what they are.

    The matcher's weights stay as they are. before: as `encoder_weights` returned it; reached: the score of the trained
    weights. Returns the share of the way, 1 for the trained weights, and its score; of equal scores the larger share
    counts.
    """
    after = encoder_weights(model)
    scores = {}
    for share in SHARES:
        _place(model, before, after, share)
        scores[share] = score()
    scores[1.0] = reached
    best = max(scores, key=lambda share: (scores[share], share))
    _place(model, before, after, best)
    listed = ", ".join(f"{share:g}: {value:.4f}" for share, value in scores.items())
    print(f"valid MRR by share of the encoder's change: {listed}; kept {best:g}", flush=True)
    return best, scores[best]


@torch.no_grad()
def _place(model: Cobert, before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> None:
    for name, weights in model.encoder.named_parameters():
        if name in before:
            weights.copy_(torch.lerp(before[name].to(weights.device), after[name], share))
