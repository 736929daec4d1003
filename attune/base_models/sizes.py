"""How large a base is, as far as that is known before it is fetched."""

from pathlib import Path
from typing import NamedTuple

from attune.base_models.checking import LAYERS, whole_number
from attune.base_models.fetching import is_directory
from attune.base_models.headers import read_object
from attune.sources.packages import SMOLLM2, SMOLLM2_LAYERS, SMOLLM2_POSITIONS

# How the families call them in config.json.
_POSITIONS = ("max_position_embeddings", "n_positions")


class Size(NamedTuple):
    """Layers, and tokens that can be read at once; None where nothing says it."""

    layers: int | None = None
    positions: int | None = None


def size_of(model: str) -> Size:
    """The size of a base by its name in params.yaml; of a model of the hub nothing is known.

    Raises
    ------
    AttuneError
        for a directory without a readable config.json.
    """
    if model == SMOLLM2:
        return Size(SMOLLM2_LAYERS, SMOLLM2_POSITIONS)
    if not is_directory(model):
        return Size()
    config = read_object(Path(model) / "config.json")
    return Size(whole_number(config, LAYERS), whole_number(config, _POSITIONS))
