"""Generators, saved so that the same training gives the same bytes."""

from pathlib import Path
from typing import Any

from peft import PeftModel
from transformers.utils import SAFE_WEIGHTS_NAME

from attune.core.files import read_json, write_json
from attune.generators.best_weights import write_trained


def save_generator(model: Any, tokenizer: Any, target: Path, base: str) -> None:
    """Write the weights that training changed, as safetensors, and the tokenizer.

    An adapter's configuration names the base in place of its path.
    """
    if isinstance(model, PeftModel):
        # Otherwise PEFT asks the hub whether the base's vocabulary has grown.
        model.save_pretrained(target, save_embedding_layers=False)
        (target / "README.md").unlink(missing_ok=True)
        _normalise(target / "adapter_config.json", base)
    elif all(each.requires_grad for each in model.parameters()):
        model.save_pretrained(target)
    else:
        model.config.save_pretrained(target)
        write_trained(model, target / SAFE_WEIGHTS_NAME)
    tokenizer.save_pretrained(target)


def _normalise(path: Path, base: str) -> None:
    """Sort what PEFT writes in the order of a set, and replace this machine's paths."""
    config = read_json(path)
    for key, value in config.items():
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            config[key] = sorted(value)
    config["base_model_name_or_path"] = base
    if config.get("tokenizer_name_or_path"):
        config["tokenizer_name_or_path"] = base
    write_json(path, config)
