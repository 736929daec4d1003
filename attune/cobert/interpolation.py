"""Encoder weights between the untrained and the trained ones (WiSE-FT; Wortsman et al. 2022, section 3).

Where training teaches little, it makes an encoder forget; validation decides how much of the change is kept, and
whether anything is.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from attune.cobert.model import Cobert

# Shares of the way that are tried beside the whole of it.
SHARES = (0.0, 0.25, 0.5, 0.75)


def trainable_weights(model: Cobert) -> dict[str, Tensor]:
    """Copies of the weights that training may change, the encoder's and the matcher's, by name."""
    return {name: weights.detach().clone() for name, weights in model.named_parameters() if weights.requires_grad}


def interpolate(
    model: Cobert, before: dict[str, Tensor], untrained: float, reached: float, score: Callable[[], float]
) -> tuple[float | None, float]:
    """Put the encoder's weights where `score` is highest on the way from `before` to what they are.

    The matcher's weights stay as they are. But where the untrained model ranks as well as the best of these, all
    weights become those in `before`.

    before: as `trainable_weights` returned it; untrained, reached: the scores of the weights before and after training.
    Returns the share of the way, 1 for the trained weights and None for the untrained model, and its score; of equal
    scores on the way the larger share counts.
    """
    after = trainable_weights(model)
    scores: dict[float | None, float] = {None: untrained}
    for share in SHARES:
        _place(model, before, after, share)
        scores[share] = score()
    scores[1.0] = reached
    best = max(scores, key=lambda share: (scores[share], math.inf if share is None else share))
    _place(model, before, after, best)
    listed = ", ".join(f"{share:g}: {value:.4f}" for share, value in scores.items() if share is not None)
    kept = "the untrained model" if best is None else f"{best:g}"
    print(f"valid MRR untrained: {untrained:.4f}, by share of the encoder's change: {listed}; kept {kept}", flush=True)
    return best, scores[best]


@torch.no_grad()
def _place(model: Cobert, before: dict[str, Tensor], after: dict[str, Tensor], share: float | None) -> None:
    """A `share` of the encoder's change; for None, the matcher is put back as well."""
    for name, weights in model.named_parameters():
        if name in before and (share is None or name.startswith("encoder.")):
            old = before[name].to(weights.device)
            weights.copy_(old if share is None else torch.lerp(old, after[name], share))
