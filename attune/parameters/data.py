"""The sections of params.yaml about corpora, the index and the models to start from."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from attune.core.errors import AttuneError
from attune.parameters.types import Count, Key, Name, NotNegative, Rate, Section


def _hex_digits(value: str) -> str:
    if len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is not a sha256 of 64 hex digits")
    return value


class Archive(Section):
    """A corpus that is published as a zip file; `sha256` null takes any content."""

    url: Name
    sha256: Annotated[str, AfterValidator(_hex_digits)] | None
    cap: Count | None = None


class HubDataset(Section):
    """A corpus that is a dataset of the hub. `cap`: conversations kept of all splits together; null keeps all."""

    repo: Name
    revision: Name
    cap: Count | None


def _kind(section: Any) -> str:
    """An entry with a `url` is an archive; the tag stands in pydantic's error locations."""
    keys = section if isinstance(section, dict) else getattr(section, "__dict__", {})
    return "archive" if "url" in keys else "hub"


PUBLISHED: dict[str, type[Section]] = {"archive": Archive, "hub": HubDataset}
# An entry of `corpora`.
Published = Annotated[
    Annotated[Archive, Tag("archive")] | Annotated[HubDataset, Tag("hub")],
    Discriminator(_kind),
]


def published(corpora: dict[str, Archive | HubDataset], corpus: str) -> Archive | HubDataset:
    """Where `corpus` is published and how much of it is kept.

    Raises
    ------
    AttuneError
        for a corpus that params.yaml has no entry for.
    """
    if corpus not in corpora:
        raise AttuneError(f"params.yaml has no corpora.{corpus}; it has {', '.join(corpora)}")
    return corpora[corpus]


class Subset(Section):
    """Conversations of each split."""

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
    """A causal language model to start from; the keys after `model` shape a `small` one and pretrain it on `text`."""

    model: Name
    family: Literal["gpt2", "gpt_neo"] = "gpt2"
    text: list[Key] = Field(default=[])
    layers: Count = 4
    width: Count = 256
    heads: Count = 4
    vocabulary: Annotated[int, Field(ge=300)] = 4096
    positions: Annotated[int, Field(ge=32)] = 256
    steps: Count = 400
    batch_tokens: Count = 1024
    lr: Rate = 1e-3

    @model_validator(mode="after")
    def small_has_text(self) -> Self:
        if self.model == "small" and not self.text:
            raise ValueError("the model `small` is pretrained on corpora; `text` must name at least one")
        return self

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
    """The sentence index; `hnsw_*` are HNSW's M and ef, used above `exact_up_to` vectors."""

    embedder: Name
    batch_size: Count
    exact_up_to: NotNegative
    hnsw_links: Annotated[int, Field(ge=2)]
    hnsw_construction: Count
    hnsw_search: Count
