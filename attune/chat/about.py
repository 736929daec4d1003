"""What people are told about the systems before they talk to them."""

from attune.parameters import Parameters
from attune.sources.packages import SMOLLM2

PROTOTYPE = (
    "This is a research prototype, not a crisis line; if you need help, talk to someone: https://findahelpline.com"
)
_BASES = {
    SMOLLM2: f"Its generators start from {SMOLLM2}, a language model of 135 million weights by Hugging Face "
    "(Apache-2.0), pretrained on text from the web."
}


def about(parameters: Parameters) -> str:
    """What the models are, what they may say, and where to find help."""
    used = {parameters.bases[each.base].model for each in parameters.generators.values()}
    bases = [text for model, text in _BASES.items() if model in used]
    models = "Attune answers with small research models. They understand nothing, and can be wrong or unkind."
    return " ".join([models, *bases, PROTOTYPE])
