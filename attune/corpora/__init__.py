"""The corpora: one module each, which ends in its record; here they are listed."""

from attune.corpora.base import Corpus
from attune.corpora.empathetic_dialogues import EMPATHETIC_DIALOGUES
from attune.corpora.openassistant_guanaco import OPENASSISTANT_GUANACO
from attune.corpora.openorca import OPENORCA
from attune.corpora.own import own_corpus
from attune.corpora.pec import PEC

CORPORA: dict[str, Corpus] = {
    record.name: record for record in (PEC, EMPATHETIC_DIALOGUES, OPENASSISTANT_GUANACO, OPENORCA)
}


def corpus(name: str) -> Corpus:
    """The record of the corpus called `name`; a name that is none of CORPORA's is that of one's own data."""
    return CORPORA.get(name) or own_corpus(name)


def ranking_corpus() -> Corpus:
    """The corpus whose replies are ranked: CoBERT's."""
    return next(record for record in CORPORA.values() if record.roles is None)


def dialogue_corpora() -> list[Corpus]:
    """The corpora of two people's conversations, each about a situation and an emotion, with passages to retrieve."""
    return [record for record in CORPORA.values() if record.has_passages]
