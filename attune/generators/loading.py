"""Bases, generators and what PEFT puts on a base: loaded, made trainable, saved reproducibly."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    PromptTuningConfig,
    PromptTuningInit,
    TaskType,
    get_peft_model,
    prepare_model_for_kbit_training,
)
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from attune.base_models.fetching import check_folder
from attune.core.errors import AttuneError
from attune.core.files import read_json, write_json
from attune.generators.prompts import FORMAT_VERSION
from attune.parameters.generators import Generator

CARD = "card.json"  # method, base and corpus of a generator, and the counts of its parameters
# What the virtual tokens start as (Lester et al. 2021, section 3.2: initialising with words beats random).
PROMPT = "Listen to what was said last, and reply with care and with understanding."


def load_tokenizer(folder: Path) -> Any:
    if not folder.is_dir():  # transformers would look for a hub's model of that name
        raise AttuneError(f"the model's folder {folder} is missing; run the stage that writes it first")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.eos_token_id is None:
        raise AttuneError(
            f"the tokenizer in {folder} has no end-of-text token, without which no reply ends; set eos_token"
        )
    return tokenizer


def load_base(folder: Path, four_bits: bool = False) -> PreTrainedModel:
    """A causal language model from safetensors, on the GPU where there is one; float32, or frozen in 4 bits."""
    check_folder(folder)
    options: dict[str, Any] = {"dtype": torch.float32}
    if four_bits:
        options |= {"quantization_config": _four_bits(), "device_map": {"": 0}}
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, **options)
    except ValueError as error:
        raise AttuneError(f"{folder} holds no causal language model: {str(error).strip().splitlines()[0]}") from None
    if four_bits:
        return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def _four_bits() -> BitsAndBytesConfig:
    """NormalFloat of 4 bits, computed with in bfloat16 (Dettmers et al. 2023, sections 3 and 4)."""
    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise AttuneError(
            "load_in_4bit needs an NVIDIA GPU and the package bitsandbytes (`pip install bitsandbytes`); "
            "set it to false on this machine"
        )
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def load_generator(folder: Path, base: PreTrainedModel) -> Any:
    """The trained model in `folder`; or `base`, with the adapter in `folder` put on where there is one."""
    if not (folder / CARD).is_file():
        raise AttuneError(f"{folder / CARD} is missing; `dvc repro train_generator` writes it")
    card = read_json(folder / CARD)
    if card["format_version"] != FORMAT_VERSION:
        raise AttuneError(
            f"{folder} knows prompts of format {card['format_version']}, not {FORMAT_VERSION}; "
            "`dvc repro train_generator` trains it anew"
        )
    if (folder / "adapter_config.json").is_file():
        return PeftModel.from_pretrained(base, folder)
    return base if card["method"] == "prompt" else load_base(folder)


def positions_of(model: Any) -> int | None:
    """How many tokens the model can read, beside its learned ones; None where its configuration sets no limit."""
    positions = getattr(model.config, "max_position_embeddings", None)
    config = getattr(model, "active_peft_config", None)
    virtual = config.num_virtual_tokens if config is not None and config.is_prompt_learning else 0
    return positions - virtual if positions else None


def check_positions(generator: Generator, needed: int, positions: int | None) -> None:
    """Raises an AttuneError where the model has fewer than the `needed` positions."""
    if positions and needed > positions:
        raise AttuneError(
            f"max_length = {generator.max_length} and passage_tokens = {generator.passage_tokens} need {needed} "
            f"positions, but the base {generator.base} has {positions} beside its virtual tokens; lower them"
        )


def tune_prompt(model: PreTrainedModel, tokenizer_folder: Path, virtual_tokens: int) -> PeftModel:
    """Freeze the model and learn `virtual_tokens` embeddings in front of every prompt."""
    config = PromptTuningConfig(
        task_type=TaskType.CAUSAL_LM,
        num_virtual_tokens=virtual_tokens,
        prompt_tuning_init=PromptTuningInit.TEXT,
        prompt_tuning_init_text=PROMPT,
        tokenizer_name_or_path=str(tokenizer_folder),
    )
    return get_peft_model(model, config)


def add_lora(model: PreTrainedModel, rank: int, alpha: int, dropout: float) -> PeftModel:
    """Freeze the model and learn low-rank changes of every linear layer but the output (Hu et al. 2021)."""
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="all-linear",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # as GPT-2 stores them
    )
    return get_peft_model(model, config)


def save_generator(model: Any, tokenizer: Any, target: Path, base: str) -> None:
    """Safetensors and tokenizer; of an adapter neither set order nor this machine's paths come along."""
    if isinstance(model, PeftModel):
        # Otherwise PEFT asks the hub whether the base's vocabulary has grown.
        model.save_pretrained(target, save_embedding_layers=False)
        (target / "README.md").unlink(missing_ok=True)
        _normalise(target / "adapter_config.json", base)
    else:
        model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _normalise(path: Path, base: str) -> None:
    config = read_json(path)
    for key, value in config.items():
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            config[key] = sorted(value)
    config["base_model_name_or_path"] = base
    if config.get("tokenizer_name_or_path"):
        config["tokenizer_name_or_path"] = base
    write_json(path, config)


def parameter_counts(model: Any) -> tuple[int, int]:
    """Trainable and all parameters; tied ones count once."""
    parameters = list(model.parameters())
    return sum(p.numel() for p in parameters if p.requires_grad), sum(p.numel() for p in parameters)
