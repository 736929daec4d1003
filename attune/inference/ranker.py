"""CoBERT ready to rank."""

from pathlib import Path
from typing import Any

from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert, inputs_for, start, to_device
from attune.core.errors import AttuneError


def untrained(encoder: Path, recipe: dict[str, Any]) -> tuple[Cobert, Inputs]:
    """CoBERT as `recipe` starts it, to be evaluated."""
    model = to_device(start(encoder, recipe))
    return model.eval(), inputs_for(model, encoder)


def saved(folder: Path) -> tuple[Cobert, Inputs]:
    """A trained CoBERT from its folder, to be evaluated or used without training."""
    try:
        model = to_device(Cobert.from_pretrained(folder, local_files_only=True, use_safetensors=True))
    except (OSError, ValueError) as error:
        raise AttuneError(
            f"{folder} holds no CoBERT that can be loaded from safetensors; `dvc repro train_cobert` writes it: {error}"
        ) from None
    return model.eval(), inputs_for(model, folder)
