"""In which precision a training computes, and how its model's cards say so. Importing this module imports no torch."""

from collections.abc import Mapping
from typing import Any


def uses_bf16(wished: bool) -> bool:
    """Whether a training computes in bf16: where that is wished, and the GPU does so without emulation.

    Prints that it computes in float32 where bf16 is wished in vain.
    """
    if wished and (reason := _why_not()):
        print(f"bf16: float32 instead, since {reason}", flush=True)
        return False
    return wished


def instead_of_bf16(wished: bool) -> str:
    """What a training computes in where bf16 is wished in vain; otherwise empty."""
    return "float32" if wished and _why_not() else ""


def as_trained(settings: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """The settings for a card's table; precision: as `instead_of_bf16` gave it in the training."""
    return {**settings, **({"bf16": f"{settings['bf16']}, but it was trained in {precision}"} if precision else {})}


def _why_not() -> str:
    """Why nothing can be trained in bf16 here; empty where it can."""
    import torch

    if not torch.cuda.is_available():
        return "it needs an NVIDIA GPU, and there is none"
    return "" if torch.cuda.is_bf16_supported(including_emulation=False) else "this GPU would only emulate it"
