"""The embedded default: corpora that this project wrote itself, in the raw formats of the four real ones."""

from pathlib import Path

from attune.core.errors import AttuneError

CORPORA = ("pec", "empathetic_dialogues", "openassistant_guanaco", "openorca")


def write(corpus: str, folder: Path, seed: int) -> None:
    """Write `corpus` below `folder` as its hub lays it out; the same seed gives the same bytes."""
    from attune.sources.sample import empathetic_dialogues, guanaco, openorca, pec

    writers = {
        "pec": pec.write,
        "empathetic_dialogues": empathetic_dialogues.write,
        "openassistant_guanaco": guanaco.write,
        "openorca": openorca.write,
    }
    if corpus not in writers:
        raise AttuneError(f"no sample corpus named {corpus!r}; there are {', '.join(CORPORA)}")
    writers[corpus](folder, seed)
