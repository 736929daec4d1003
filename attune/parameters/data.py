"""The sections of params.yaml about data and the models to start from."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from attune.parameters.types import Count, Name, NotNegative, Rate, Section, TextCorpus


class PecSource(Section):
    url: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None


class HubCorpus(Section):
    repo: Name
    revision: Name
    cap: Count | None


class Corpora(Section):
    on_bad_row: Literal["error", "skip"]
    pec: PecSource
    empathetic_dialogues: HubCorpus
    openassistant_guanaco: HubCorpus
    openorca: HubCorpus


class Subset(Section):
    train: Count
    valid: Count
    test: Count


class Subsets(Section):
    large: Subset
    small: Subset

    @model_validator(mode="after")
    def small_fits_into_large(self) -> Self:
        for split in ("train", "valid", "test"):
            if getattr(self.small, split) > getattr(self.large, split):
                raise ValueError(
                    f"small.{split} = {getattr(self.small, split)} must be at most large.{split} = "
                    f"{getattr(self.large, split)}, for small lies inside large"
                )
        return self


class Preprocess(Section):
    drop_repeated_personas: bool
    test_share: Annotated[float, Field(gt=0, lt=1)]


class Base(Section):
    """A causal language model to start from; the keys after `model` shape and train a `small` one."""

    model: Name
    family: Literal["gpt2", "gpt_neo"] = "gpt2"
    text: list[TextCorpus] = Field(default=["empathetic_dialogues"], min_length=1)
    layers: Count = 4
    width: Count = 256
    heads: Count = 4
    vocabulary: Annotated[int, Field(ge=300)] = 4096
    positions: Annotated[int, Field(ge=32)] = 256
    steps: Count = 400
    batch_tokens: Count = 1024
    lr: Rate = 1e-3

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} must be a multiple of heads = {self.heads}")
        return self

    @model_validator(mode="after")
    def batches_are_whole_blocks(self) -> Self:
        if self.batch_tokens % self.positions:
            raise ValueError(f"batch_tokens = {self.batch_tokens} must be a multiple of positions = {self.positions}")
        return self


class Index(Section):
    embedder: Name
    batch_size: Count
    exact_up_to: NotNegative
    hnsw_links: Annotated[int, Field(ge=2)]
    hnsw_construction: Count
    hnsw_search: Count
