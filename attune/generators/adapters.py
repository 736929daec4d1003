"""How each method that trains makes a base trainable, and how an adapter is loaded again."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from torch.nn import Embedding, Linear, ModuleList
from transformers.pytorch_utils import Conv1D

from attune.base_models.headers import tensor_shapes
from attune.core.errors import AttuneError, one_line
from attune.core.memory import not_loaded
from attune.core.model_code import refuse_code

# What virtual tokens are initialised with (Lester et al. 2021, section 3.2: words do better than random numbers): its
# first tokens, from the beginning again where there are more. SmolLM2 and GPT-2 read it as the 8 tokens of params.yaml.
INITIAL_TEXT = "Listen, reply with care and understanding."

# PEFT asks each model by a name that transformers is about to change, which is no news to a person who chats with one.
warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)


def layers(model: Any) -> Any:
    """The transformer layers of a causal language model, lowest first."""
    count = model.config.num_hidden_layers
    return next(each for each in model.modules() if isinstance(each, ModuleList) and len(each) == count)


def frozen_count(model: Any, frozen_layers: float) -> int:
    """How many layers `frozen_layers` of params.yaml is: a number of layers, or a share of them, rounded down."""
    whole = 1e-9  # .29 of 100 layers is 28.999999999999996 to a computer
    return int(frozen_layers * len(layers(model)) + whole) if frozen_layers < 1 else int(frozen_layers)


def freeze(model: Any, count: int) -> None:
    """Freeze the lowest `count` layers, all before them, the embeddings, and an output layer tied to them; 0: nothing.

    Raises
    ------
    AttuneError
        if no layer is left to train.
    """
    if not count:
        return
    stack = layers(model)
    if count >= len(stack):
        raise AttuneError(f"frozen_layers = {count}, but the base has {len(stack)} layers, and one at least must train")
    for module in (*stack[:count], *(each for each in model.modules() if isinstance(each, Embedding))):
        module.requires_grad_(False)
    for module in _before(model, stack[0]):
        for parameter in module.parameters(recurse=False):  # the whole model is among them
            parameter.requires_grad_(False)


def _before(model: Any, layer: Any) -> list[Any]:
    """The modules that `model` calls before `layer`, such as BLOOM's norm of the embeddings and OPT's projection.

    Where they stand in the model does not say so: OPT's last norm and projection also stand before the layers.
    """
    called: list[Any] = []
    hooks = [each.register_forward_pre_hook(lambda module, _: called.append(module)) for each in model.modules()]
    body, was_training = model.base_model, model.training
    body.eval()
    try:
        with torch.no_grad():
            body(input_ids=torch.zeros(1, 1, dtype=torch.long, device=model.device), use_cache=False)
    finally:
        body.train(was_training)
        for hook in hooks:
            hook.remove()
    return called[: called.index(layer)]


def train_all(model: Any, _base: Path, *, frozen_layers: int = 0) -> Any:
    """The model as it is, with every weight trainable but, where layers are frozen, theirs and the embeddings'."""
    freeze(model, frozen_layers)
    return model


def add_virtual_tokens(model: Any, base: Path, *, virtual_tokens: int) -> Any:
    """Freeze the model and put `virtual_tokens` trainable embeddings before every prompt.

    Raises
    ------
    AttuneError
        if PEFT refuses the model.
    """
    config = PromptTuningConfig(
        task_type=TaskType.CAUSAL_LM,
        num_virtual_tokens=virtual_tokens,
        prompt_tuning_init=PromptTuningInit.TEXT,
        prompt_tuning_init_text=INITIAL_TEXT,
        tokenizer_name_or_path=str(base),
        # If these are not given, PEFT looks for them in the configuration: in vain in MPT's and XGLM's, and in
        # OPT-350m's it takes the width of the layers for that of the embeddings.
        num_layers=model.config.num_hidden_layers,
        num_attention_heads=getattr(model.config, "num_attention_heads", None),
        token_dim=model.get_input_embeddings().embedding_dim,
    )
    return _adapted(model, config, base, "prompt_tuning")


def add_lora(
    model: Any, base: Path, *, lora_rank: int, lora_alpha: int, lora_dropout: float, frozen_layers: int = 0
) -> Any:
    """Freeze the model and add trainable low-rank matrices to every linear layer above the `frozen_layers`.

    Raises
    ------
    AttuneError
        if PEFT refuses the model, or no layer is left to train.
    """
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
    adapted = _adapted(model, config, base, "lora")
    for layer in stack[:frozen_layers]:
        layer.requires_grad_(False)  # PEFT heeds layers_to_transform in modules, but not in the weights of experts
    return adapted


def _adapted(model: Any, config: Any, base: Path, method: str) -> Any:
    """The model with PEFT's adapter; an AttuneError with PEFT's words where it has none for such a model."""
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise AttuneError(
            f"method = {method} cannot train the base {base.name}, whose model_type is {model.config.model_type}; "
            f"name another method, or another base. PEFT says: {one_line(error)}"
        ) from None


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with the adapter that was saved in `folder`.

    Raises
    ------
    AttuneError
        if there is none, its configuration is broken, or it is another base's.
    """
    path, config = folder / SAFETENSORS_WEIGHTS_NAME, folder / CONFIG_NAME
    for each in (path, config):  # PEFT would look for pickled weights, and on the hub for a configuration
        if not each.is_file():
            raise AttuneError(f"{each} is missing; `dvc repro train_generator` writes it")
    tensor_shapes(path)
    refuse_code(folder, writes=True)
    try:
        if PeftConfig.from_pretrained(folder, trust_remote_code=False).peft_type is None:
            raise KeyError("peft_type")
    except Exception as error:  # what a wrong key becomes depends on where it is read
        raise AttuneError(f"{config} is broken ({one_line(error)}); `dvc repro train_generator` writes it") from None
    try:
        return PeftModel.from_pretrained(model, folder)
    except Exception as error:
        raise not_loaded(path, error, "has no place in the base") from None


# By method, each called as `adapt(model, base_folder, **keys)` with the method's own keys and, where it freezes layers,
# with their number as `frozen_layers`.
ADAPTERS: dict[str, Callable[..., Any]] = {
    "full": train_all,
    "prompt_tuning": add_virtual_tokens,
    "lora": add_lora,
}
