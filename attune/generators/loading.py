"""Bases and generators, loaded from their folders."""

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, prepare_model_for_kbit_training
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import SAFE_WEIGHTS_NAME

from attune.base_models.checking import check_folder
from attune.base_models.decodable import check_decodable
from attune.base_models.headers import fingerprint, tensor_shapes
from attune.core.devices import device
from attune.core.errors import AttuneError
from attune.core.files import write_json
from attune.core.memory import not_loaded
from attune.core.model_code import refuse_code
from attune.core.tokenizer import check_ends_texts, read_tokenizer
from attune.generators.adapters import with_adapter
from attune.generators.chat_templates import pin_date
from attune.generators.prompts import FORMAT_VERSION
from attune.generators.roles import Roles
from attune.parameters.generators import GeneratorSettings
from attune.parameters.methods import METHODS

CARD = "card.json"


@dataclass(frozen=True)
class Card:
    """What stands in card.json beside a generator's weights: all that is needed to use it without params.yaml.

    method, base, corpus, max_length, passage_tokens, persona_tokens, load_in_4bit, instruction: as in params.yaml.
    partial: the folder holds the weights that training changed, and the base the others. roles: the marks of the turns.
    parameters: numbers in the model, tied ones counted once. one_line: a written reply ends at its first line break,
    since no reply in training had one, or since there was no training. base_fingerprint: of the base's weights.
    made_by: of an exported model, the method that its weights are of; it is a whole model, as by `full`. precision: of
    a training that was to compute in bf16 and could not, what it computed in.
    """

    method: str
    base: str
    corpus: str
    roles: Roles
    instruction: str
    max_length: int
    passage_tokens: int
    persona_tokens: int
    load_in_4bit: bool
    partial: bool
    format_version: int
    trainable_parameters: int
    parameters: int
    one_line: bool
    base_fingerprint: str = ""
    made_by: str = ""
    precision: str = ""


def card_of(settings: GeneratorSettings, roles: Roles, one_line: bool, model: Any, base: Path, precision: str) -> Card:
    """The card of `model`, made from the one in `base` as `settings` says, of examples with these roles."""
    copied = ("method", "base", "corpus", "instruction", "max_length", "passage_tokens", "persona_tokens")
    trainable, parameters = parameter_counts(model)
    return Card(
        **{key: getattr(settings, key) for key in copied},
        load_in_4bit=settings.load_in_4bit,
        roles=roles,
        partial=METHODS[settings.method].trains_base and trainable < parameters,
        format_version=FORMAT_VERSION,
        trainable_parameters=trainable if settings.trains else 0,
        parameters=parameters,
        one_line=one_line,
        base_fingerprint=fingerprint(base),
        precision=precision,
    )


def write_card(folder: Path, card: Card) -> None:
    """Write card.json into a generator's folder."""
    values = {key: value for key, value in asdict(card).items() if value or key not in ("made_by", "precision")}
    write_json(folder / CARD, values)


def read_card(folder: Path) -> Card:
    """The card of the generator in `folder`.

    Raises
    ------
    AttuneError
        if there is none, or if this code has another prompt format or does not know the method.
    """
    if not (folder / CARD).is_file():
        raise AttuneError(f"{folder / CARD} is missing; `dvc repro train_generator` writes it")
    try:
        values = json.loads((folder / CARD).read_text(encoding="utf-8"))
        values["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise AttuneError(f"{folder / CARD} is broken ({error!r}); `dvc repro train_generator` writes it") from None
    if values["format_version"] != FORMAT_VERSION:
        raise AttuneError(
            f"{folder} knows prompts of format {values['format_version']}, not {FORMAT_VERSION}; "
            "`dvc repro train_generator` trains it again"
        )
    try:
        card = Card(**values | {"roles": Roles(**values["roles"])})
    except (KeyError, TypeError) as error:
        raise AttuneError(
            f"{folder / CARD} was written by another version ({error}); `dvc repro train_generator` writes it again"
        ) from None
    if card.method not in METHODS:
        raise AttuneError(f"{folder} was trained by the unknown method {card.method!r}; known: {', '.join(METHODS)}")
    return card


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder, with a chat template whose prompts do not depend on the day.

    Raises
    ------
    AttuneError
        if the folder is missing, and as `read_tokenizer`, `check_ends_texts` and `pin_date`.
    """
    if not folder.is_dir():  # transformers would look for a model of that name on the hub
        raise AttuneError(f"the model's folder {folder} is missing; run the stage that writes it first")
    refuse_code(folder, writes=True)
    tokenizer = read_tokenizer(folder)
    check_ends_texts(tokenizer, folder)
    pin_date(tokenizer)
    return tokenizer


def load_base(folder: Path, four_bits: bool = False) -> PreTrainedModel:
    """A causal language model from safetensors, on the GPU where there is one: in float32, or frozen in 4 bits.

    Raises
    ------
    AttuneError
        if the folder holds no such model, one that does not fit into memory, or one that `check_decodable` refuses, or
        if this machine cannot load 4 bits.
    """
    check_folder(folder, "base")
    check_decodable(folder)
    options: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, "output_loading_info": True}
    if four_bits:
        options |= {"quantization_config": four_bit_config(), "device_map": {"": torch.cuda.current_device()}}
    try:
        model, info = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False, **options)
    except Exception as error:  # what a wrong setting becomes depends on where it is read
        raise not_loaded(folder, error, "holds no causal language model") from None
    if info["missing_keys"]:
        missing = f"{min(info['missing_keys'])} is missing"
        raise AttuneError(f"{folder}: its weights are not of a {model.config.model_type} that writes text: {missing}")
    if four_bits:
        return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    try:
        return model.to(device())
    except torch.OutOfMemoryError as error:
        raise not_loaded(folder, error, "cannot be moved to the GPU") from None


def four_bit_config() -> BitsAndBytesConfig:
    """NormalFloat of 4 bits with computation in bfloat16 (Dettmers et al. 2023, sections 3 and 4).

    Raises an AttuneError without a GPU, or the package bitsandbytes.
    """
    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise AttuneError(
            "load_in_4bit needs an NVIDIA GPU and the package bitsandbytes (`pip install -e '.[gpu]'`); "
            "set it to false on this machine"
        )
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def load_generator(folder: Path, card: Card, base: Path) -> Any:
    """The generator in `folder`: a whole model, or the model in `base` with what `folder` changes or adds.

    Raises
    ------
    AttuneError
        if a folder holds no model, or if `folder` was trained from another base than the one in `base`.
    """
    method = METHODS[card.method]
    if method.trains_base and not card.partial:
        return load_base(folder)
    if not base.is_dir():
        raise AttuneError(
            f"{folder} needs its base {card.base}, which is not in {base}; name the base's folder with base=, or let "
            "`dvc repro base_models` write the pipeline's"
        )
    model = load_base(base, card.load_in_4bit)
    if method.trains and card.base_fingerprint not in ("", fingerprint(base)):
        raise AttuneError(
            f"{folder} was trained from another base than the one in {base}, whose weights differ from those of "
            f"{card.base} then; name the right one with base=, or `dvc repro train_generator` trains it again"
        )
    if method.trains_base:
        return _with_weights(model, folder / SAFE_WEIGHTS_NAME, base)
    return with_adapter(model, folder) if method.trains else model


def _with_weights(model: Any, path: Path, base: Path) -> Any:
    """The model with the tensors of the file `path` in the place of its own."""
    if not path.is_file():
        raise AttuneError(f"{path} is missing; `dvc repro train_generator` writes it")
    tensor_shapes(path)
    own = dict(model.named_parameters())
    for name, tensor in load_file(path).items():
        shape = list(own[name].shape) if name in own else "no such tensor"
        if shape != list(tensor.shape):
            raise AttuneError(
                f"{path} was trained from another base than {base}: it has {name} of {list(tensor.shape)}, the base "
                f"{shape}; name the right one with base="
            )
        own[name].data.copy_(tensor)
    return model


def transformer_of(model: Any) -> Any:
    """The causal language model itself, without PEFT's handling; LoRA's matrices are part of it."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def positions_of(model: Any) -> int | None:
    """How many tokens the model can read beside its virtual ones; None where its configuration sets no limit."""
    positions = getattr(model.config, "max_position_embeddings", None)
    config = getattr(model, "active_peft_config", None)
    virtual = config.num_virtual_tokens if config is not None and config.is_prompt_learning else 0
    return positions - virtual if positions else None


def check_positions(settings: GeneratorSettings | Card, needed: int, positions: int | None) -> None:
    """Raise an AttuneError if the model has fewer than the `needed` positions."""
    if positions and needed > positions:
        raise AttuneError(
            f"max_length = {settings.max_length} and passage_tokens = {settings.passage_tokens} need {needed} "
            f"positions, but the base {settings.base} has {positions} beside its virtual tokens; lower them"
        )


def parameter_counts(model: Any) -> tuple[int, int]:
    """Trainable and all parameters. Tied ones count once; of 4-bit ones, stored two to a byte, each counts."""
    if isinstance(model, PeftModel):
        return model.get_nb_trainable_parameters()
    return model.num_parameters(only_trainable=True), model.num_parameters()
