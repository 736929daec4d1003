"""Which bases can write replies: those that decoding can hand the keys and values of what they have read."""

import inspect
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError

# Its recurrent layers also read the padding that stands before the shorter prompts of a batch.
_READS_PADDING = "recurrent_gemma"


def check_decodable(model: Any, folder: Path) -> None:
    """Raise an AttuneError if the causal language model in `folder` cannot be decoded from a cache of its prompt.

    Many models take any argument, so that a cache that they do not know would be ignored without a word: each token
    would then be written without the prompt.
    """
    kind = model.config.model_type
    if kind == _READS_PADDING or "past_key_values" not in inspect.signature(model.forward).parameters:
        raise AttuneError(
            f"{folder}: replies are decoded from attention's keys and values, and a {kind} keeps none of them, or a "
            "state beside them; name a base with attention, such as GPT-2, GPT-Neo or Llama"
        )
