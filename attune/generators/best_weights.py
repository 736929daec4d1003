"""The trained weights of the lowest held-out loss, in a file beside the checkpoints while training goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from attune.core.files import atomic_file
from attune.training.distributed import placed, whole
from attune.training.launcher import is_writer


def trained_tensors(model: Any) -> dict[str, torch.Tensor]:
    """The trainable parameters by name, tied ones once."""
    return {name: each.detach() for name, each in model.named_parameters() if each.requires_grad}


def write_trained(model: Any, path: Path) -> None:
    """Write the trainable parameters as safetensors; every process that has a part of them calls it, and one writes."""
    tensors = {name: whole(each).cpu().contiguous() for name, each in trained_tensors(model).items()}
    if is_writer():
        with atomic_file(path) as temporary:
            save_file(tensors, temporary)


def restore_trained(model: Any, path: Path) -> None:
    """Give the model the parameters that `write_trained` wrote."""
    kept = load_file(path)
    for name, tensor in trained_tensors(model).items():
        tensor.copy_(placed(kept[name], tensor))


class BestWeights:
    """The weights to save in the end. A resumed training finds them where the interrupted one left them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, model: Any) -> None:
        """Put the model's present weights in the place of those before."""
        write_trained(model, self.path)

    def restore(self, model: Any) -> None:
        """Give the model the kept weights back."""
        restore_trained(model, self.path)


def since_best(losses: Sequence[float]) -> int:
    """How many measurements came after the first of the lowest."""
    return len(losses) - 1 - losses.index(min(losses))
