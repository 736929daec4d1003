"""What people are told about the systems before they talk to them."""

from attune.parameters import Parameters
from attune.sources.packages import SMOLLM2

HEADLINE = "Talk to small models that try to reply with empathy, as the persona that you choose."
DISCLAIMER = "The models are small, understand nothing, and can be wrong or unkind."
PROTOTYPE = "This is a research prototype, not a crisis line. If you need help: https://findahelpline.com"
_BASES = {SMOLLM2: f"Their generators start from {SMOLLM2} (by Hugging Face, Apache-2.0), of 135 million weights."}


def about(parameters: Parameters) -> str:
    """What the models are, what they may say, and where to find help."""
    return " ".join([DISCLAIMER, *bases(parameters), PROTOTYPE])


def bases(parameters: Parameters) -> list[str]:
    """Where the generators' bases come from, a sentence each."""
    used = {parameters.bases[each.base].model for each in parameters.generators.values()}
    return [text for model, text in _BASES.items() if model in used]
