"""The trained weights of the lowest held-out loss, in a file beside the checkpoints while training goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from attune.core.files import atomic_file


def trained_tensors(model: Any) -> dict[str, torch.Tensor]:
    """The trainable parameters by name, tied ones once."""
    return {name: each.detach() for name, each in model.named_parameters() if each.requires_grad}


def write_trained(model: Any, path: Path) -> None:
    """Write the trainable parameters as safetensors."""
    save_file({name: each.cpu().contiguous() for name, each in trained_tensors(model).items()}, path)


class BestWeights:
    """The weights to save in the end. A resumed training finds them where the interrupted one left them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, model: Any) -> None:
        """Put the model's present weights in the place of those before."""
        with atomic_file(self.path) as temporary:
            write_trained(model, temporary)

    def restore(self, model: Any) -> None:
        """Give the model the kept weights back."""
        kept = load_file(self.path)
        for name, tensor in trained_tensors(model).items():
            tensor.copy_(kept[name])


def since_best(losses: Sequence[float]) -> int:
    """How many measurements came after the first of the lowest."""
    return len(losses) - 1 - losses.index(min(losses))
