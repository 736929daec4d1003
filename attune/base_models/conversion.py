"""From a GGUF to a model's folder as transformers writes it. Importing this imports torch and transformers."""

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def convert(gguf: Path, target: Path) -> None:
    """Write the model and tokenizer of `gguf` into the folder `target`, with the weights unpacked to float32.

    Files that quantise each block of a weight to few bits hold exactly one number for each weight, so nothing is lost.
    """
    with redirect_stderr(io.StringIO()):  # of transformers' progress bars, the one for unpacking heeds no setting
        loaded = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, trust_remote_code=False
        )
        _unquantised(loaded).save_pretrained(target)
    words = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, trust_remote_code=False)
    words.model_max_length = loaded.config.max_position_embeddings
    words.save_pretrained(target)


def _unquantised(loaded: Any) -> Any:
    """The same model without the mark of its GGUF, with which save_pretrained refuses it."""
    config = loaded.config
    del config.quantization_config
    del config._model_name_or_path  # the GGUF's own title, which is no place to find the model at
    model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    model.load_state_dict(loaded.state_dict())
    return model
