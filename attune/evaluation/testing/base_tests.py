"""What the untrained bases are tested on: all that decides their losses, once for the generators that share it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from attune.corpora import record_of
from attune.parameters.generators import GeneratorSettings


class BaseTest(NamedTuple):
    """A base, the rows that it is tested on, and what makes their prompts. rows: their folder in data/.

    told: whether the prompts have the instruction; replies are cut in any case as if they had it.
    """

    base: str
    corpus: str
    rows: str
    max_length: int
    instruction: str
    told: bool
    persona_tokens: int
    load_in_4bit: bool

    @classmethod
    def of(cls, generator: GeneratorSettings) -> "BaseTest":
        """The test of a generator's base: on the rows of its corpus without passages, with the generator's own prompt.

        So training alone makes the difference. Where there is none, the instruction makes it, and the base has none.
        """
        plain = f"processed/{generator.corpus}" if record_of(generator.corpus).has_passages else generator.rows
        return cls(
            base=generator.base,
            corpus=generator.corpus,
            rows=plain,
            max_length=generator.max_length,
            instruction=generator.instruction,
            told=generator.trains,
            persona_tokens=generator.persona_tokens,
            load_in_4bit=generator.load_in_4bit,
        )

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of `schemas.BASES` is of this test."""
        return all(row[name] == value for name, value in self._asdict().items())
