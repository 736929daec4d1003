"""The section `generation` of params.yaml: how generators are evaluated, and how they decode."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from attune.parameters.decoding import Decoding, Point
from attune.parameters.types import Count, Distinct, Key, Name, Section

SHORTEST_PROMPT = 16  # tokens; a shorter prompt has no room for a question


def _named(generators: list[str]) -> list[str]:
    if not generators:
        raise ValueError("the list is empty; name at least one generator, which may be any of `generators`")
    return generators


# The report shows what they write.
Generators = Annotated[list[Key], AfterValidator(_named), Distinct]


class Sweep(Section):
    """The replies of `generators` to `examples` prompts, held out from their training, at each point."""

    generators: Generators
    points: Annotated[list[Point], Field(min_length=1), Distinct]
    examples: Count


class Questions(Section):
    """opening: how a conversation begins, put to every generator. asked: by kind, put to each of `generators`."""

    opening: Name
    generators: Generators
    asked: Annotated[dict[Key, Name], Field(min_length=1)]

    @field_validator("asked")
    @classmethod
    def opening_is_no_kind(cls, asked: dict[str, str]) -> dict[str, str]:
        if "opening" in asked:
            raise ValueError("a question cannot be called 'opening', as what every generator is asked; rename it")
        return asked

    def put_to(self, generator: str) -> dict[str, str]:
        """What the generator of that name is asked, by kind."""
        return {"opening": self.opening} | (self.asked if generator in self.generators else {})


class Generation(Section):
    """How generators are evaluated and how they decode."""

    perplexity_examples: Count
    reply_examples: Count
    answered_examples: Count
    max_new_tokens: Count
    batch_size: Count
    decoding: dict[Key, Decoding]
    sweep: Sweep
    questions: Questions

    def decoding_of(self, generator: str) -> Decoding:
        """How the generator of that name decodes."""
        return self.decoding.get(generator, self.decoding["default"])

    @model_validator(mode="after")
    def replies_are_among_the_scored(self) -> Self:
        if self.reply_examples > self.perplexity_examples:
            raise ValueError(
                f"reply_examples = {self.reply_examples} must be at most perplexity_examples = "
                f"{self.perplexity_examples}, whose first they are"
            )
        return self

    @model_validator(mode="after")
    def there_is_a_default(self) -> Self:
        if "default" not in self.decoding:
            raise ValueError("decoding needs the entry `default`, for generators that have no entry")
        return self
