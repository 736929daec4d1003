"""The corpora: one module each, which ends in its record; here they are listed."""

from dataclasses import replace

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus
from attune.corpora.empathetic_dialogues import EMPATHETIC_DIALOGUES
from attune.corpora.epitome import EPITOME
from attune.corpora.openassistant_guanaco import OPENASSISTANT_GUANACO
from attune.corpora.openorca import OPENORCA
from attune.corpora.own import FILE, own_corpus, said
from attune.corpora.pec import PEC

# Those that are always there. EPITOME is not among them: it is where its user has the files.
CORPORA: dict[str, Corpus] = {
    record.name: record for record in (PEC, EMPATHETIC_DIALOGUES, OPENASSISTANT_GUANACO, OPENORCA)
}


def record_of(name: str) -> Corpus:
    """The record of the corpus called `name`; a name that is no built-in one's is that of one's own data."""
    return EPITOME if name == EPITOME.name else CORPORA.get(name) or own_corpus(name)


def raw_corpus(name: str, own: bool) -> Corpus:
    """As `record_of`, with the raw files that are read: where `own`, one's own data, which may be in its place.

    Raises
    ------
    AttuneError
        for a built-in corpus whose place one's own data cannot take.
    """
    record = record_of(name)
    if not own or name not in CORPORA:
        return record
    if record.own is None:
        raise AttuneError(f"corpora.{name} is built in, and takes no data of your own; give them another name")
    return replace(record, layouts=({"train": FILE},), read=record.own.read, subset=record.own.subset, said=said)


def ranking_corpus() -> Corpus:
    """The corpus whose replies are ranked: CoBERT's."""
    return next(record for record in CORPORA.values() if record.ranked)


def passages_corpus(name: str) -> Corpus:
    """As `record_of`, of one whose generators are given passages.

    Raises
    ------
    AttuneError
        for any other, with those that can be named.
    """
    record = record_of(name)
    if not record.has_passages:
        able = ", ".join(each.name for each in dialogue_corpora())
        raise AttuneError(f"{name} has no passages to retrieve; corpus= may be {able}")
    return record


def dialogue_corpora() -> list[Corpus]:
    """The corpora of two people's conversations, each about a situation and an emotion, with passages to retrieve."""
    return [record for record in CORPORA.values() if record.has_passages]
