"""Models are data: a folder that brings code of its own is refused before anything loads it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError

_OWN_MODULES = "sentence_transformers."
# Beside them, what a module of a sentence encoder may name: torch's activation functions.
_KNOWN = (_OWN_MODULES, "torch.nn.")


def refuse_code(folder: Path, writes: bool = False) -> None:
    """Refuse a model's folder whose files name code to be run: of the model, a tokenizer or a module.

    transformers asks at the terminal whether such code may run unless each call says `trust_remote_code=False`, as all
    calls of this project do: then it passes by what names code for a language model that it has itself, such as Phi-3.

    writes: the folder is of a language model, so that this is let pass. Of encoders it is not: many are of a known kind
    by name alone.

    Raises
    ------
    AttuneError
        naming the file and the key.
    """
    for path in sorted({*folder.rglob("*config*.json"), *folder.rglob("modules.json")}):
        content = _read(path)
        for key, value in _pairs(content):
            passed_by = writes and key == "auto_map" and _is_passed_by(content, value, path)
            if _names_code(key, value, path) and not passed_by:
                raise AttuneError(
                    f"{path}: {key} names code of the model's own ({json.dumps(value)[:120]}), which is never run; "
                    "use a model that transformers and sentence-transformers know by themselves"
                )


def _names_code(key: str, value: Any, path: Path) -> bool:
    if key in ("auto_map", "trust_remote_code"):
        return bool(value)
    if key.endswith("attn_implementation"):  # "owner/name" is a kernel of the hub
        return isinstance(value, str) and "/" in value
    if path.name == "modules.json":
        return key == "type" and not str(value).startswith(_OWN_MODULES)
    # Of a sentence encoder's modules: a router's routes, a layer's activation, the tokenizer of word embeddings.
    named = value.values() if key == "types" and isinstance(value, dict) else (value,)
    dotted = [each for each in named if isinstance(each, str) and "." in each and not each.startswith(_KNOWN)]
    return key in ("types", "activation_function", "tokenizer_class") and bool(dotted)


def _is_passed_by(content: Any, auto_map: Any, path: Path) -> bool:
    """Whether an `auto_map` has no effect, since transformers has this kind of model or of tokenizer itself.

    content: of the whole file. An `auto_map` of a part of it is not passed by.
    """
    if not isinstance(content, dict) or content.get("auto_map") is not auto_map:
        return False
    kind = content.get({"config.json": "model_type", "tokenizer_config.json": "tokenizer_class"}.get(path.name, ""))
    if not isinstance(kind, str):
        return False
    if path.name == "config.json":
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

        named = str(auto_map.get("AutoModelForCausalLM", "")) if isinstance(auto_map, dict) else ""
        return named.rpartition(".")[2] == MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind)
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    return tokenizer_class_from_name(kind) is not None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # checked where the file is needed
        return None


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key and its value, at any depth."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key, each
            yield from _pairs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _pairs(each)
