"""Corpora of any size in the raw layouts of PEC and OpenOrca, of words drawn with a seed."""

from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from attune.corpora import record_of
from attune.corpora.blocks import END
from attune.corpora.openorca import COLUMNS
from attune.corpora.pec import DOMAINS, MARKER

# About as in PEC: shares of the splits, users per conversation, words per utterance and per persona sentence.
SPLITS = {"train": 0.8, "valid": 0.1, "test": 0.1}
USERS, UTTERANCE, PERSONA_SENTENCE, PERSONA = 0.6, 22, 11, 65
# Words of a row of OpenOrca, about; one in eight has no system prompt.
SYSTEM, QUESTION, RESPONSE = 25, 150, 120
_ROW_GROUP = 10_000


class Words:
    """Sentences out of 20,000 words, drawn as Zipf's law has them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        letters = "etaoinshrdlucmfw"
        self.words = ["".join(self.random.choices(letters, k=self.random.randint(2, 9))) for _ in range(20_000)]
        self.weights = list(accumulate(1 / (place + 2) for place in range(len(self.words))))

    def sentence(self, mean: int) -> str:
        """Between a half and one and a half times `mean` words."""
        size = self.random.randint(mean // 2, mean + mean // 2)
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=size))


def pec(folder: Path, conversations: int, seed: int) -> None:
    """`conversations` of both domains and all splits together, each of two to four turns, and their users' personas."""
    words = Words(seed)
    for domain in DOMAINS:
        place = folder / "hf_pec" / domain
        place.mkdir(parents=True)
        users = [f"user{number}" for number in range(int(conversations * USERS / len(DOMAINS)) + 2)]
        with (place / "persona.txt").open("w", encoding="utf-8") as stream:
            for user in users:
                sentences = (f"i {words.sentence(PERSONA_SENTENCE - 1)} ." for _ in range(PERSONA))
                stream.write("\n".join([user, *sentences, END, ""]))
        for split, share in SPLITS.items():
            with (place / f"{split}.txt").open("w", encoding="utf-8") as stream:
                for _ in range(int(conversations * share / len(DOMAINS))):
                    turns = words.random.choices(users, k=words.random.randint(2, 4))
                    lines = (f"{user}{MARKER}{words.sentence(UTTERANCE)}" for user in turns)
                    stream.write("\n".join([*lines, END, ""]))


def openorca(folder: Path, tasks: int, seed: int) -> None:
    """One parquet file of `tasks` rows."""
    words = Words(seed)
    folder.mkdir(parents=True)

    def rows() -> Iterator[dict[str, str]]:
        for number in range(tasks):
            system = words.sentence(SYSTEM) if words.random.random() > 1 / 8 else ""
            values = (f"made.{number}", system, f"{words.sentence(QUESTION)} ?", words.sentence(RESPONSE))
            yield dict(zip(COLUMNS, values, strict=True))

    waiting = rows()
    (name,) = record_of("openorca").layouts[0].values()
    with pq.ParquetWriter(folder / name, pa.schema([(column, pa.string()) for column in COLUMNS])) as writer:
        while part := list(islice(waiting, _ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(part, writer.schema))
