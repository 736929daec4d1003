"""What the untrained bases are tested on: all that decides their losses, once for the generators that share it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from attune.corpora import corpus
from attune.parameters.generators import GeneratorSettings


class BaseTest(NamedTuple):
    """A base, and the rows and limits that it is tested with. `rows`: their folder in data/."""

    base: str
    corpus: str
    rows: str
    max_length: int
    load_in_4bit: bool

    @classmethod
    def of(cls, generator: GeneratorSettings) -> "BaseTest":
        """The test of a generator's base; rows with passages are those of the corpus, which have none."""
        plain = f"processed/{generator.corpus}" if corpus(generator.corpus).has_passages else generator.rows
        return cls(generator.base, generator.corpus, plain, generator.max_length, generator.load_in_4bit)

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of `schemas.BASES` is of this test; an id names the same reply in all `rows` of a corpus."""
        return all(row[name] == value for name, value in self._asdict().items() if name != "rows")
