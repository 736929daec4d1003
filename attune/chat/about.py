"""What people are told about the systems before they talk to them."""

from attune.chat.artifacts import Artifacts
from attune.core.files import read_json
from attune.parameters import Parameters
from attune.report.provenance import data_sentence
from attune.sources.packages import SMOLLM2

HEADLINE = "Talk to small models that try to reply with empathy, as the persona that you choose."
DISCLAIMER = "The models are small, know little but English, understand nothing, and can be wrong or unkind."
PROTOTYPE = "This is a research prototype, not a crisis line. If you need help: https://findahelpline.com"
_BASES = {SMOLLM2: f"The generators start from {SMOLLM2}, of 135 million weights (by Hugging Face, Apache-2.0)."}


def about(parameters: Parameters, artifacts: Artifacts) -> str:
    """What the models are, whose text they learned from, what they may say, and where to find help."""
    return " ".join([DISCLAIMER, *bases(parameters), data(parameters, artifacts), PROTOTYPE])


def bases(parameters: Parameters) -> list[str]:
    """Where the generators' bases come from, a sentence each."""
    used = {parameters.bases[each.base].model for each in parameters.generators.values()}
    return [text for model, text in _BASES.items() if model in used]


def data(parameters: Parameters, artifacts: Artifacts) -> str:
    """The data that the models learned from, by the manifests of those corpora whose raw text is still there."""
    paths = [artifacts.manifest(name) for name in parameters.corpora]
    return data_sentence(parameters.source, [read_json(path) for path in paths if path.is_file()])
