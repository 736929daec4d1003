"""How the parameters say that a corpus is sampled."""

from attune.corpora.base import Sampling
from attune.parameters import Parameters


def sampling_of(settings: Parameters, cap: int | None) -> Sampling:
    """The main job's sampling of a corpus. cap: of the conversations of its entry in `corpora`, None for all."""
    return Sampling(settings.seed, cap, settings.preprocess.test_share, settings.subsets.model_dump())
