"""The sample: corpora that this project wrote itself, in the raw formats of the published ones."""

from collections.abc import Callable
from pathlib import Path

from attune.core.errors import AttuneError
from attune.sources.sample import empathetic_dialogues, openassistant_guanaco, openorca, pec

# Corpus -> what writes its raw files into a folder, by a seed. A corpus needs none to be fetched from elsewhere.
WRITERS: dict[str, Callable[[Path, int], None]] = {
    "pec": pec.write,
    "empathetic_dialogues": empathetic_dialogues.write,
    "openassistant_guanaco": openassistant_guanaco.write,
    "openorca": openorca.write,
}


def write(corpus: str, folder: Path, seed: int) -> None:
    """Write `corpus` below `folder` in its published layout; the same seed gives the same bytes.

    Raises
    ------
    AttuneError
        for a corpus without a sample.
    """
    if corpus not in WRITERS:
        raise AttuneError(
            f"{corpus} has no sample (there are {', '.join(WRITERS)}); set source to `hub` or to a directory that "
            f"holds {corpus}/"
        )
    WRITERS[corpus](folder, seed)
