"""Which bases can write replies: those that decoding can hand the keys and values of what they have read."""

import inspect
from pathlib import Path

from attune.core.errors import AttuneError, one_line

# Its recurrent layers also read the padding that stands before the shorter prompts of a batch.
_READS_PADDING = "recurrent_gemma"
_INSTEAD = "name a base with attention, such as GPT-2, GPT-Neo or Llama"


def check_decodable(folder: Path) -> None:
    """Check, by its class and config.json alone, that the model in `folder` can be decoded from a cache of its prompt.

    Many models take any argument, so that a cache that they do not know would be ignored without a word: each token
    would then be written without the prompt. The families that also have a masked language model, such as BERT's, read
    a text in both directions unless config.json says is_decoder: each token would be learnt from the reply itself.

    Raises
    ------
    AttuneError
        if it cannot, or if there is no causal language model of its kind.
    """
    from transformers import AutoConfig  # imports torch
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = CAUSAL.get(type(config), None)
    except Exception as error:  # what a wrong setting becomes depends on where it is read
        raise AttuneError(f"{folder} holds no causal language model: {one_line(error)}") from None
    kind = config.model_type
    if model is None:
        raise AttuneError(f"{folder}: transformers has no causal language model of the kind {kind}; {_INSTEAD}")
    if kind == _READS_PADDING or "past_key_values" not in inspect.signature(model.forward).parameters:
        raise AttuneError(
            f"{folder}: replies are decoded from attention's keys and values, and a {kind} keeps none of them, or a "
            f"state beside them; {_INSTEAD}"
        )
    if kind in MASKED and not config.is_decoder:
        raise AttuneError(
            f"{folder / 'config.json'}: a {kind} without is_decoder reads a text in both directions, and cannot write "
            f"one; {_INSTEAD}, or set is_decoder: true if, and only if, the model was trained so"
        )
