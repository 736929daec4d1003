"""The settings of params.yaml that say how a reply's next token is chosen."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from attune.parameters.types import Count, NotNegative, Positive, Section

MOST_BEAMS = 64  # the memory of a reply grows with each


class Decoding(Section):
    """How the next token is chosen (temperature, top_k, top_p: sampling; beams, early_stopping: beam)."""

    method: Literal["greedy", "sampling", "beam"]
    temperature: Positive = 1.0
    top_k: NotNegative = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    repetition_penalty: Positive = 1.0
    no_repeat_ngram: NotNegative = 0
    beams: Count = 1
    early_stopping: bool = False

    @model_validator(mode="after")
    def method_has_its_keys(self) -> Self:
        sampling = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
        beam = {"beams": 1, "early_stopping": False}
        foreign = (sampling if self.method != "sampling" else {}) | (beam if self.method != "beam" else {})
        for key, neutral in foreign.items():
            if getattr(self, key) != neutral:
                raise ValueError(f"method {self.method} has no {key}")
        if self.method == "beam" and self.beams < 2:
            raise ValueError("method beam needs beams of 2 or more")
        if self.beams > MOST_BEAMS:
            raise ValueError(f"beams is {self.beams}; at most {MOST_BEAMS} fit into memory beside each other")
        return self

    def sampling(self, **changes: float) -> "Decoding":
        """Sampling with `changes` (temperature, top_k, top_p); the rest stays, such as what bars repetitions.

        Raises
        ------
        ValidationError
            for a value out of range.
        """
        kept = self.model_dump(exclude={"beams", "early_stopping"})
        return Decoding.model_validate(kept | {"method": "sampling"} | changes)


class Point(Section):
    """One setting of the decoding sweep; what bars repetitions stays as each generator has it."""

    temperature: Positive
    top_k: NotNegative
    top_p: Annotated[float, Field(gt=0, le=1)]
