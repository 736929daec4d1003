"""A trained CoBERT on disk: the weights that training may change. The frozen ones stay with the encoder it began as."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor
from transformers.initialization import no_init_weights

from attune.cobert.encoder import load_encoder
from attune.cobert.model import Cobert, CobertConfig
from attune.core.errors import AttuneError, one_line

WEIGHTS = "model.safetensors"


def save(model: Cobert, folder: Path) -> None:
    """Write config.json and model.safetensors; config.json identifies the frozen weights, which are left out.

    Where all weights require a gradient nothing is frozen, and the whole model is written, whatever `frozen_layers` is.
    """
    frozen = _frozen(model)
    model.config.frozen_sha256 = _digest(frozen) if frozen else None
    trained = {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}
    # Some families' names on the hub are others than the model's, which `load` reads.
    model.save_pretrained(folder, state_dict=trained, save_original_format=False)


def load(folder: Path, encoder: Path) -> Cobert:
    """The model that `save` wrote into `folder`; frozen weights that it left out are those in `encoder`.

    Raises
    ------
    AttuneError
        if the weights in `encoder` are missing or others than in training.
    OSError, ValueError, SafetensorError
        if `folder` lacks a file, or if one is torn or not that of a CoBERT.
    """
    model = _described(folder)
    trained, frozen = load_file(folder / WEIGHTS), _frozen(model) if model.config.frozen_sha256 else {}
    _check({name: tensor for name, tensor in model.state_dict().items() if name not in frozen}, trained)
    given = _of_encoder(folder, encoder, frozen, model.config.frozen_sha256) if frozen else {}
    model.load_state_dict(trained | given)
    return model


def _described(folder: Path) -> Cobert:
    """The model that config.json describes; its weights are still to be read."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict) or config.get("model_type") != CobertConfig.model_type:
        raise ValueError("config.json is of another model type")
    try:
        with no_init_weights():
            return Cobert(CobertConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False))
    except Exception as error:  # what another version's setting becomes depends on where it is read
        raise ValueError(
            f"config.json describes no CoBERT of the installed version ({type(error).__name__}: {one_line(error)})"
        ) from None


def _frozen(model: Cobert) -> dict[str, Tensor]:
    return {name: weights.detach() for name, weights in model.named_parameters() if not weights.requires_grad}


def _digest(weights: Mapping[str, Tensor]) -> str:
    """A sha256 over names, shapes, types and values, whatever the order and the file format."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _check(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise a ValueError unless every expected tensor is there, in its shape, and no other."""
    shared = expected.keys() & found.keys()
    for problem, names in (
        ("lacks", expected.keys() - found.keys()),
        ("holds what config.json has no place for:", found.keys() - expected.keys()),
        ("has the wrong shape for", {name for name in shared if expected[name].shape != found[name].shape}),
    ):
        if names:
            raise ValueError(f"{WEIGHTS} {problem} {', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''}")


def _of_encoder(folder: Path, encoder: Path, frozen: Mapping[str, Tensor], expected: str | None) -> dict[str, Tensor]:
    """The `frozen` weights as they are in `encoder`."""
    if not encoder.is_dir():  # transformers would look for a model of that name on the hub
        raise AttuneError(
            f"the encoder {encoder}, which has the frozen layers of {folder}, is missing; `dvc repro "
            "base_encoders@encoder` writes it, or name its folder: Ranker.from_pretrained(path, encoder)"
        )
    weights = {f"encoder.{name}": tensor for name, tensor in load_encoder(encoder).state_dict().items()}
    given = {name: weights[name] for name in frozen if name in weights}
    if _digest(given) != expected:
        raise AttuneError(
            f"{folder} was trained on top of another encoder than the one in {encoder}: its frozen weights differ; "
            "name the right one, or `dvc repro train_cobert` trains it again"
        )
    return given
