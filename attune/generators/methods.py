"""The functions that make a loaded base trainable, one for each method that trains; no other code knows one by name.

Each is called as `ADAPT[method](model, base_folder, **keys)`, with the keys of its record in
`attune.parameters.methods`, and with `frozen_layers` where the record says that it freezes layers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attune.generators.frozen import freeze, layers

# What virtual tokens are initialised with (Lester et al. 2021, section 3.2: words do better than random numbers).
INITIAL_TEXT = "Listen to what was said last, and reply with care and with understanding."


def train_all(model: Any, _base: Path, *, frozen_layers: int = 0) -> Any:
    """The model as it is, with every weight trainable but those of the embeddings and of the `frozen_layers`."""
    freeze(model, frozen_layers)
    return model


def add_virtual_tokens(model: Any, base: Path, *, virtual_tokens: int) -> Any:
    """Freeze the model and put `virtual_tokens` trainable embeddings before every prompt."""
    from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model

    config = PromptTuningConfig(
        task_type=TaskType.CAUSAL_LM,
        num_virtual_tokens=virtual_tokens,
        prompt_tuning_init=PromptTuningInit.TEXT,
        prompt_tuning_init_text=INITIAL_TEXT,
        tokenizer_name_or_path=str(base),
    )
    return get_peft_model(model, config)


def add_lora(
    model: Any, _base: Path, *, lora_rank: int, lora_alpha: int, lora_dropout: float, frozen_layers: int = 0
) -> Any:
    """Freeze the model and add trainable low-rank matrices to every linear layer above the `frozen_layers`."""
    from peft import LoraConfig, TaskType, get_peft_model
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    freeze(model, frozen_layers)
    stack = layers(model)
    linear = {name.split(".")[-1] for name, each in stack.named_modules() if isinstance(each, (Linear, Conv1D))}
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=lora_rank,
        lora_alpha=lora_alpha,
        lora_dropout=lora_dropout,
        target_modules=sorted(linear),
        layers_to_transform=list(range(frozen_layers, len(stack))) if frozen_layers else None,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # GPT-2's transposed weights
    )
    return get_peft_model(model, config)


ADAPT: Mapping[str, Callable[..., Any]] = {
    "full": train_all,
    "prompt_tuning": add_virtual_tokens,
    "lora": add_lora,
}
