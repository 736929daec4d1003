"""What a model's folder must hold: every file that would be loaded is opened, as far as its header."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from attune.base_models.headers import check_content, pickled, read_object, tensor_shapes
from attune.base_models.sentence_modules import check_modules
from attune.base_models.vocabulary import check_end, check_vocabulary
from attune.core.errors import AttuneError
from attune.core.model_code import refuse_code

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
TEMPLATES = "additional_chat_templates"
# What the model is to be: a base of generators, CoBERT's encoder, or the sentence encoder of the index.
Use = Literal["base", "encoder", "embedder"]

# What is loaded where it is there, in the root, in a folder of templates, and in the modules' folders.
_LOADED = (
    *("*config*.json", "modules.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.*", "merges.txt", "bpe.codes", "*.jinja", "*.safetensors", "*.safetensors.index.json"),
)
# What is read where it is there.
_OF_SENTENCE_ENCODERS = ("config_sentence_transformers.json", "sentence_bert_config.json")
_OF_TOKENIZERS_AND_MODELS = (
    *("generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    "sentence_bert_config.json",
)
# How the families call the number of layers in config.json.
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
_CAUSAL = re.compile(r"(ForCausalLM|LMHeadModel)$")


def check_folder(folder: Path, use: Use | None = None) -> None:
    """Check that a model's folder can be loaded: config.json, *.safetensors, a tokenizer, and that they fit together.

    Of a sentence encoder every module is checked. use: what the model is for, where its kind matters.

    Raises
    ------
    AttuneError
        naming the file that is missing or broken, and how.
    """
    if not folder.is_dir():
        raise AttuneError(f"the model directory {folder} does not exist; name an existing one, or a hub id")
    refuse_code(folder, writes=use == "base")
    _check_contents([folder, folder / TEMPLATES])
    modules = check_modules(folder, encodes=use == "embedder")
    _check_contents(path for _, path in modules)
    _check_objects(folder, _OF_SENTENCE_ENCODERS)
    for path in model_folders(folder, use):
        _check_model(path, use)


def model_folders(folder: Path, use: Use | None) -> list[Path]:
    """The folders of transformers' models in a model's folder: it itself, or those of a sentence encoder's modules."""
    if use in ("base", "encoder"):
        return [folder]
    modules = check_modules(folder, encodes=use == "embedder")
    inside = [path for kind, path in modules if kind == "Transformer"]
    return inside or ([] if modules and use == "embedder" else [folder])


def _check_contents(folders: Iterable[Path]) -> None:
    for path in (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())):
        if any(map(path.match, _LOADED)):
            check_content(path)


def _check_model(folder: Path, use: Use | None) -> None:
    if not (folder / "config.json").is_file():
        adapter = (
            " but adapter_config.json: it is an adapter; name its base" * (folder / "adapter_config.json").is_file()
        )
        raise AttuneError(
            f"{folder} has no config.json{adapter or '; a model directory is what save_pretrained writes'}"
        )
    if (folder / "adapter_config.json").is_file():
        raise AttuneError(
            f"{folder} holds adapter_config.json beside a model, in whose place the base that it names would be "
            "loaded; remove it, or merge the adapter into the model"
        )
    config = read_object(folder / "config.json")
    _check_use(folder / "config.json", config, use)
    if use == "base":
        _check_trainable(folder / "config.json", config)
        check_end(folder)
    _check_objects(folder, _OF_TOKENIZERS_AND_MODELS)
    shapes = loaded_shapes(folder)
    _check_layers(folder, config, shapes)
    check_vocabulary(folder, config, shapes, fills=use not in ("base", "encoder"))


def _check_objects(folder: Path, names: Iterable[str]) -> None:
    for path in (folder / name for name in names):
        if path.is_file():
            read_object(path)


def _check_use(path: Path, config: Mapping[str, Any], use: Use | None) -> None:
    if not isinstance(config.get("model_type"), str):
        raise AttuneError(f"{path} has no model_type, so that nothing says what the model is; fetch it again")
    names = config.get("architectures") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AttuneError(f"{path}: architectures is {str(names)[:80]!r}; expected a list of names; fetch it again")
    if use == "base" and names and not any(map(_CAUSAL.search, names)):
        raise AttuneError(f"{path}: {', '.join(names)} is no causal language model, which a base must be; name another")
    if use in ("base", "encoder") and config.get("is_encoder_decoder"):
        raise AttuneError(f"{path}: {config['model_type']} is an encoder with a decoder, not one of both; name another")


def _check_trainable(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse what would fail only when a training loads it."""
    if config.get("quantization_config"):
        raise AttuneError(
            f"{path} has a quantization_config: its weights are packed, and no base to train from; name the model with "
            "its whole weights (load_in_4bit of a generator packs them)"
        )
    if not _is_known(config["model_type"]):
        raise AttuneError(
            f"{path}: the installed transformers knows no model_type {config['model_type']!r}; name another model"
        )


def _is_known(kind: str) -> bool:
    from transformers.models.auto.auto_mappings import CONFIG_MAPPING_NAMES as KINDS

    if kind in KINDS:
        return True
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES  # with a few more; it imports torch

    return kind in CONFIG_MAPPING_NAMES


def loaded_shapes(folder: Path) -> dict[str, list[int]]:
    """The tensors that would be loaded, and their shapes; every safetensors file beside them is checked too."""
    found = {path.name: tensor_shapes(path) for path in sorted(folder.glob("*.safetensors"))}
    if not found:
        raise AttuneError(
            f"{folder} holds {pickled(folder) or 'no weights'}; weights must be *.safetensors, as "
            "save_pretrained writes them"
        )
    if WEIGHTS in found:
        return found[WEIGHTS]
    if not (folder / INDEX).is_file():
        raise AttuneError(f"{folder} has neither {WEIGHTS} nor {INDEX}, only {', '.join(found)}; fetch it again")
    places = read_object(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise AttuneError(f"{folder / INDEX} has no weight_map; fetch it again")
    for tensor, name in places.items():
        if name not in found:
            raise AttuneError(f"{folder / str(name)} is missing, which {INDEX} names for {tensor}; fetch it again")
        if tensor not in found[name]:
            raise AttuneError(f"{folder / name} lacks {tensor}, which {INDEX} says it holds; fetch it again")
    return {tensor: found[name][tensor] for tensor, name in places.items()}


def whole_number(config: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    """The first whole number that a configuration has under one of the keys."""
    return next((config[key] for key in keys if isinstance(config.get(key), int)), None)


def _check_layers(folder: Path, config: Mapping[str, Any], shapes: Iterable[str]) -> None:
    """Compare the number of layers, where config.json and the tensors' names both say it."""
    said = whole_number(config, LAYERS)
    held = {int(layer[1]) for name in shapes if (layer := _LAYER.search(name))}
    if said is not None and held and len(held) < said:
        raise AttuneError(
            f"{folder}: config.json describes {said} layers, the weights hold {len(held)}; one is another model's"
        )
