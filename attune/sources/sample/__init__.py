"""The sample: corpora that need no network, in the raw formats of the published ones.

PEC's place is taken by conversations out of an installed package; the other three are text that this project wrote.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attune.core.errors import AttuneError
from attune.sources.sample import empathetic_dialogues, openassistant_guanaco, openorca, pec


@dataclass(frozen=True)
class Sample:
    """write: writes the raw files into a folder, by a seed. notice: whose text it is."""

    write: Callable[[Path, int], None]
    licence: str = "GPL-3.0-only"
    url: str | None = None
    notice: str = "Written by this project."


# By corpus. A corpus needs none to be fetched from elsewhere.
SAMPLES: dict[str, Sample] = {
    "pec": Sample(
        pec.write,
        licence="MIT",
        url="https://pypi.org/project/chitchat-dataset/0.9.0/",
        notice=(
            "Not PEC: chats of BYU's Chit-Chat Challenge, Copyright (c) 2019 Perception, Control and Cognition Lab. "
            "`happy` and `offmychest` stand for PEC's two subreddits: the chats that were rated more and less upbeat."
        ),
    ),
    "empathetic_dialogues": Sample(empathetic_dialogues.write),
    "openassistant_guanaco": Sample(openassistant_guanaco.write),
    "openorca": Sample(openorca.write),
}


def sample_of(corpus: str) -> Sample:
    """The sample of `corpus`; writing it twice with the same seed gives the same bytes.

    Raises
    ------
    AttuneError
        for a corpus without a sample.
    """
    if corpus not in SAMPLES:
        raise AttuneError(
            f"{corpus} has no sample (there are {', '.join(SAMPLES)}); set source to `hub` or to a directory that "
            f"holds {corpus}/"
        )
    return SAMPLES[corpus]
